import { expect, test } from 'vitest';
import { judgeAudit } from '../judge-audit.ts';

test('names each vulnerable package with its severity', () => {
  const vulnerabilities = {
    a: { severity: 'high', range: '<2.0.0', via: [{ title: 'Prototype pollution' }] },
    b: { severity: 'low', range: '*', via: ['a'] },
  };

  expect(judgeAudit(JSON.stringify({ auditReportVersion: 2, vulnerabilities }))).toEqual({
    outcome: 'found',
    lines: ['high: a <2.0.0: Prototype pollution', 'low: b *: through a'],
  });
});

test('reports no vulnerabilities only after an answer of the registry', () => {
  expect(judgeAudit(JSON.stringify({ auditReportVersion: 2, vulnerabilities: {} })).outcome).toBe('none');
});

test.each(['', 'npm error', JSON.stringify({ message: '405 Method Not Allowed', statusCode: 405 })])(
  'does not accept %j as an answer',
  (output) => {
    expect(judgeAudit(output)).toMatchObject({
      outcome: 'unknown',
      lines: [expect.stringContaining('Nothing is known of advisories')],
    });
  },
);
