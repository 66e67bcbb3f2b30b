import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { archiveVariables, auditArchiveVariables, readEnvironment, verificationVariables } from '@rapport/platform';
import type { DatabaseOptions } from '../create-orm.js';
import { archiveAudits, verifyAuditArchives } from './audit-archive.js';
import { AuditKeys, auditPublicKey, AuditPublicKeys } from './audit-keys.js';
import { verifyAllAudits } from './verify-all-audits.js';
import type { AuditCheck } from './verify-audit.js';

export interface AuditedService extends Pick<AuditCheck, 'findOtherContent'>, Pick<DatabaseOptions, 'entities'> {
  /** Such as `auth`. */
  service: string;
}

/**
 * The operator's command that verifies the audit of all tenants, one line of JSON for each. It exits with 1 when a chain is
 * invalid: its line names the first invalid entry. With `--file`, which may be repeated, it verifies archives in this order, and
 * needs no database.
 */
export async function verifyAuditCommand({ service, entities, findOtherContent }: AuditedService): Promise<void> {
  const { values } = parseArgs({ options: { file: { type: 'string', multiple: true } } });
  if (values.file) return verifyFiles(service, values.file);
  const { DATABASE_URL: databaseUrl, ...config } = readEnvironment(verificationVariables);
  const keys = new AuditKeys(service, config.AUDIT_SIGNING_KEY, config.AUDIT_RETIRED_KEYS);
  const check = { keys, ...(findOtherContent && { findOtherContent }) };
  process.exitCode = (await verifyAllAudits({ databaseUrl, entities }, check)) ? 0 : 1;
}

async function verifyFiles(service: string, paths: readonly string[]): Promise<void> {
  const config = readEnvironment(auditArchiveVariables);
  const signing = config.AUDIT_SIGNING_KEY ? new AuditKeys(service, config.AUDIT_SIGNING_KEY).publicKeys : [];
  const known = [...signing.map(({ x }) => Buffer.from(x, 'base64url')), ...config.AUDIT_RETIRED_KEYS];
  const keys = new AuditPublicKeys(service, known.map(auditPublicKey));
  const archives = paths.map((path) => createInterface({ input: createReadStream(path) }));
  const chains = await verifyAuditArchives(archives, keys);
  for (const { tenantId, after, end, fault } of chains) {
    const entries = end.number - after.number;
    const line = { tenantId, isSound: fault === undefined, after: after.number, entries, ...fault };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }
  process.exitCode = chains.every(({ fault }) => fault === undefined) ? 0 : 1;
}

/**
 * The operator's command that writes an archive of the audit of all tenants to standard output: `--until` is the end of the period,
 * `--from` its start, such as `2026-01-01`, in UTC.
 */
export async function archiveAuditCommand({ entities }: Pick<AuditedService, 'entities'>): Promise<void> {
  const { values } = parseArgs({ options: { from: { type: 'string' }, until: { type: 'string' } } });
  const { from, until } = values;
  if (until === undefined || !isTime(until) || (from !== undefined && !isTime(from))) {
    process.stderr.write(
      'Usage: archive-audit.js [--from TIME] --until TIME, such as 2026-01-01 or 2026-01-01T00:00:00Z\n',
    );
    process.exitCode = 2;
    return;
  }
  const { DATABASE_URL: databaseUrl } = readEnvironment(archiveVariables);
  await pipeline(archiveAudits({ databaseUrl, entities }, { from, until }), process.stdout, { end: false });
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/.test(text) && !Number.isNaN(Date.parse(text));
}
