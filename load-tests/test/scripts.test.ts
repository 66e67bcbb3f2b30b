import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { dealMix, objectMix, mixes, stepAt } from '../mixes.ts';
import { profilesOf } from '../profiles.ts';
import { objectives } from '../slo.ts';
import { checkOptions } from './k6/check-options.ts';
import { runScript } from './k6/run-script.ts';

const root = join(import.meta.dirname, '../..');
const env = {
  BASE_URL: 'http://127.0.0.1:1',
  API_KEY: 'rpt_live_nobody',
  CLIENT_ID: 'client',
  CLIENT_SECRET: 'secret',
  AUTH_ADDRESS: 'auth:50051',
  CUSTOMERS_ADDRESS: 'customers:50052',
  SERVICE_CERT_FILE: join(root, 'LICENSE'),
  SERVICE_KEY_FILE: join(root, 'LICENSE'),
  SERVICE_CA_FILE: join(root, 'LICENSE'),
};
const profiles = Object.keys(profilesOf(1));

test.each([
  'read-heavy',
  'write-heavy',
  'mixed',
  'search',
  'deals',
  'quotes',
  'leads',
  'guards',
  'calendars',
  'work',
  'money',
  'flows',
  'support',
  'marketing',
  'objects',
  'import',
  'feed',
  'oauth',
  'grpc',
])('k6 accepts %s under every profile, with a threshold for each operation and for failures', async (scenario) => {
  const scripts = await Promise.all(
    profiles.map((profile) => runScript('main.ts', { env: { ...env, SCENARIO: scenario, PROFILE: profile } })),
  );

  expect(profiles).toEqual(['smoke', 'average', 'stress', 'spike', 'soak', 'breakpoint']);
  for (const { options } of scripts) {
    const { thresholds } = options as { thresholds: Record<string, unknown> };
    expect(Object.keys(thresholds).some((metric) => metric.includes('_req_duration{name:'))).toBe(true);
    expect(thresholds).toHaveProperty('checks');
  }
});

test.each([
  [{ API_KEY: '' }, 'API_KEY is not set.'],
  [{ SCENARIO: 'writes' }, 'SCENARIO is writes, and may be read-heavy, write-heavy, mixed, search'],
  [{ PROFILE: 'none' }, 'PROFILE is none, and may be smoke, average'],
  [{ RATE: '-1' }, 'RATE is not a number above 0.'],
])('does not start with %j: %s', async (wrong, message) => {
  await expect(runScript('main.ts', { env: { ...env, ...wrong } })).rejects.toThrow(message);
});

test('a mix has 100 parts, and each point selects its step', () => {
  const sums = [...Object.values(mixes), dealMix, objectMix].map((mix) =>
    Object.values(mix).reduce((sum: number, part: number) => sum + part, 0),
  );

  expect(new Set(sums)).toEqual(new Set([100]));
  expect([0, 59.9, 60, 75, 85, 90, 99.9].map((point) => stepAt(mixes.mixed, point))).toEqual([
    'get',
    'get',
    'list',
    'search',
    'create',
    'update',
    'update',
  ]);
});

test.each([
  ["import { readFileSync } from 'node:fs'; readFileSync('/etc/hosts');", 'k6 has no module node:fs.'],
  ["import 'k6/x/sql'; export default () => {};", 'k6 has no module k6/x/sql.'],
  ['export const seen = process.env;', 'process is not defined'],
  ["export const bytes = Buffer.from('');", 'Buffer is not defined'],
  ["export const page = fetch('http://127.0.0.1:1');", 'fetch is not defined'],
  ["import http from 'k6/http'; http.get('http://127.0.0.1:1');", 'k6 makes no requests while it loads a script.'],
  ['export const options = { vus: 1, durations: 1 };', 'k6 has no vus, durations in options.'],
])('stand-ins refuse what k6 refuses: %s', async (code, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'rapport-refused-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'script.ts'), code);

  await expect(runScript(join(folder, 'script.ts'))).rejects.toThrow(message);
});

test.each<[object, string]>([
  [{ scenarios: { a: { executor: 'constant-vus', vus: 1 } } }, 'k6 needs duration of the scenario a.'],
  [{ scenarios: { a: { executor: 'constant-vus', vus: 1, duration: '1 min' } } }, 'k6 has no duration 1 min.'],
  [{ scenarios: { a: { executor: 'steady' } } }, 'k6 has no executor steady.'],
  [{ thresholds: { http_requests: ['rate<1'] } }, 'k6 has no http_requests in a threshold of a metric.'],
  [{ thresholds: { http_req_duration: ['p95<100'] } }, 'k6 has no threshold p95<100.'],
])('stand-ins refuse the options %j', (options, message) => {
  expect(() => checkOptions(options)).toThrow(message);
});

test('docs/slo.md has the objectives of the thresholds', () => {
  const text = readFileSync(join(root, 'docs/slo.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([\w.]+)` +\| ([\d,]+) ms +\|/gm)];

  expect(Object.fromEntries(rows.map(([, name = '', ms = '']) => [name, Number(ms.replace(',', ''))]))).toEqual(
    objectives.p95Ms,
  );
  expect(text).toContain(`${objectives.failedShare * 100} %`);
});
