/** The outcome of `npm audit`, with the lines to print. */
export interface AuditJudgement {
  outcome: 'none' | 'found' | 'unknown';
  lines: string[];
}

/** The used parts of the report of `npm audit --json` (version 2). */
interface AuditReport {
  auditReportVersion?: number;
  message?: string;
  vulnerabilities?: Record<string, { severity: string; range: string; via: (string | { title: string })[] }>;
}

/** @param output of `npm audit --json`: a report, an error, or nothing when npm could not run */
export function judgeAudit(output: string): AuditJudgement {
  const report = parse(output);
  if (report?.auditReportVersion !== 2) {
    const reason = report?.message ?? 'npm gave no report';
    return { outcome: 'unknown', lines: [`Nothing is known of advisories: the registry can't be asked (${reason}).`] };
  }
  const lines = Object.entries(report.vulnerabilities ?? {}).map(([name, { severity, range, via }]) => {
    const titles = via.map((cause) => (typeof cause === 'string' ? `through ${cause}` : cause.title));
    return `${severity}: ${name} ${range}: ${titles.join('; ')}`;
  });
  return lines.length > 0 ? { outcome: 'found', lines } : { outcome: 'none', lines: ['No advisories.'] };
}

function parse(output: string): AuditReport | undefined {
  try {
    return JSON.parse(output) as AuditReport;
  } catch {
    return undefined;
  }
}
