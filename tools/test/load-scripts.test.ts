import { join } from 'node:path';
import { freePort, sharedPlatform, type CertificateFiles, type Tenant } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';

/** What is used of the stand-ins for k6. */
interface ScriptSettings {
  env?: Record<string, string>;
  random?: () => number;
}
interface LoadedScript {
  setup(): unknown;
  iterate(data: unknown): { name: string; passed: boolean }[];
}
type RunScript = (entry: string, settings: ScriptSettings) => Promise<LoadedScript>;

// A project imports no file of another one by a fixed path.
const standIns = join(import.meta.dirname, '../../load-tests/test/k6/run-script.ts');
const { runScript } = (await import(standIns)) as { runScript: RunScript };

const platform = await sharedPlatform(inject('platformUrl'));
let tenant: Tenant;
/** Has no records. */
let empty: Tenant;
/** Which services do not accept. */
let stranger: CertificateFiles;
let env: Record<string, string>;

// All that is asked of the platform: while a script waits for an answer, this process notices no connection that ends.
beforeAll(async () => {
  tenant = await platform.createTenant('Load');
  empty = await platform.createTenant('Empty');
  stranger = await platform.trust.certificatesOf('stranger');
  await send('/v1/customers', { kind: 'PERSON', givenName: 'María José', familyName: 'García & Ñíguez' });
  const stages = ['lead', 'proposal'].map((key) => ({ key, name: key, kind: 'OPEN' }));
  const { id: pipelineId } = await send('/v1/pipelines', { name: 'New business', stages });
  for (const { key } of stages) await send('/v1/deals', { title: 'Seats', pipelineId, stage: key });
  await send('/v1/customObjects', { key: 'subscription', displayName: 'Subscription' });
  await send('/v1/objects/subscription/records', { name: 'Seats' });
  const program = await send('/v1/oauthClients', {
    displayName: 'Load',
    confidential: true,
    grantTypes: ['CLIENT_CREDENTIALS'],
    permissions: ['customers.read'],
  });
  const { certificate, key, authority } = await platform.trust.certificatesOf('edge');
  env = {
    BASE_URL: platform.edgeUrl,
    API_KEY: tenant.apiKey,
    CLIENT_ID: program['clientId'] ?? '',
    CLIENT_SECRET: program['secret'] ?? '',
    AUTH_ADDRESS: `auth:${portOf(platform.serviceAddresses['auth'])}`,
    CUSTOMERS_ADDRESS: `customers:${portOf(platform.serviceAddresses['customers'])}`,
    SERVICE_CERT_FILE: certificate,
    SERVICE_KEY_FILE: key,
    SERVICE_CA_FILE: authority,
  };
}, 120_000);

/** The checks by values of `Math.random`: parts of 100 in the mixes. */
test.each<[scenario: string, point: number, checks: string[]]>([
  ['read-heavy', 0, ['a customer can be read']],
  ['read-heavy', 85, ['the list has customers']],
  ['mixed', 80, ['a search by name finds a customer']],
  ['mixed', 82, ['a search finds a record']],
  ['write-heavy', 30, ['a customer is created']],
  ['write-heavy', 99, ['a customer is changed']],
  ['search', 49, ['a search by name finds a customer']],
  ['search', 50, ['a search finds a record']],
  ['deals', 0, ['a deal can be read']],
  ['deals', 50, ['the list has deals of the stage']],
  ['deals', 67, ['the deals are added up']],
  ['deals', 75, ['a deal is created']],
  ['deals', 99, ['a deal is moved']],
  ['quotes', 0, ['a quote can be read']],
  ['quotes', 20, ['the list has the sent quote']],
  ['quotes', 40, ['the page of a quote is shown']],
  ['quotes', 80, ['a quote is created']],
  ['quotes', 95, ['a quote is sent']],
  ['forecasts', 0, ['the forecast has a total', 'the report has stages']],
  ['money', 0, ['the rate is set', 'an amount is converted', 'products are listed']],
  ['guards', 0, ['a check names what a stage needs', 'a deal passes the guards']],
  ['calendars', 0, ['work is due later', 'a week has 40 business hours']],
  ['leads', 0, ['a lead is taken in', 'new leads are listed', 'a lead gets a deal']],
  ['work', 0, ['the tasks of the day are listed']],
  ['work', 40, ['the timeline has entries']],
  ['work', 70, ['a note is created']],
  ['work', 85, ['a task is completed']],
  ['work', 95, ['unread notifications are counted']],
  ['objects', 0, ['a record of an object can be read']],
  ['objects', 50, ['the list has records of the object']],
  ['objects', 72, ['the records of the object are counted']],
  ['objects', 80, ['a record of an object is created']],
  ['objects', 99, ['a record of an object is changed']],
  ['files', 0, ['a file is stored', 'a file is renamed', 'a range is answered', 'the record has files']],
  ['flows', 0, ['flows are listed', 'a definition has no faults']],
  [
    'support',
    0,
    ['a ticket is created', 'new tickets are listed', 'the reply is in the conversation', 'a ticket is solved'],
  ],
  ['marketing', 0, ['campaigns are listed', 'a campaign is drafted', 'its audience is counted']],
  ['forms', 0, ['a form is shown', 'a submission is taken', 'submissions are listed']],
  ['settings', 0, ['the settings have a time zone', 'the settings are changed']],
  ['import', 0, ['every row becomes a customer']],
  ['workspace', 0, ['an export is started, or one is running', 'an export succeeds']],
  ['feed', 0, ['a change reaches its waiting reader']],
  ['oauth', 0, ['a program gets a token', 'the token opens the list']],
  ['grpc', 0, ['the service gives a customer']],
])('%s at %i meets: %j', async (scenario, point, checks) => {
  const script = await load({ SCENARIO: scenario }, { random: () => point / 100 });
  const data = script.setup();

  expect(script.iterate(data)).toEqual(checks.map((name) => ({ name, passed: true })));
  expect(script.iterate(data)).toEqual(checks.map((name) => ({ name, passed: true })));
});

test('a run ends at its start when the tenant has no customers, or the key is refused', async () => {
  const ofEmpty = await load({ API_KEY: empty.apiKey });
  const refused = await load({ API_KEY: 'rpt_live_nobody' });

  expect(() => ofEmpty.setup()).toThrow('The tenant has no customers to work with (200).');
  expect(() => refused.setup()).toThrow('The tenant has no customers to work with (401).');
});

test.each([
  ['deals', 'The tenant has no open deals to work with (200).'],
  ['objects', 'The tenant has no records at /v1/objects/subscription/records to work with (404).'],
])('a run of %s ends at its start when the tenant has none', async (scenario, reason) => {
  const script = await load({ SCENARIO: scenario, API_KEY: empty.apiKey });

  expect(() => script.setup()).toThrow(reason);
});

test.each(['read-heavy', 'import', 'feed', 'oauth'])(
  '%s fails a check when the server is unreachable',
  async (scenario) => {
    const nobody = await load({ SCENARIO: scenario, BASE_URL: `http://127.0.0.1:${await freePort()}` });

    const results = nobody.iterate([{ id: '01a20ebb-b7bb-7698-8902-0dbc8615199b', displayName: 'Ada' }]);

    expect(results.map(({ passed }) => passed)).toEqual([false]);
  },
);

test('grpc fails a check with a certificate that services do not accept from a caller', async () => {
  const { certificate, key } = stranger;
  const script = await load({ SCENARIO: 'grpc', SERVICE_CERT_FILE: certificate, SERVICE_KEY_FILE: key });

  expect(script.iterate(script.setup())).toEqual([{ name: 'the service gives a customer', passed: false }]);
});

function load(more: Record<string, string> = {}, settings: ScriptSettings = {}) {
  return runScript('main.ts', { env: { ...env, ...more }, ...settings });
}

async function send(path: string, body: object): Promise<Record<string, string>> {
  const response = await fetch(platform.edgeUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Record<string, string>;
}

function portOf(address = ''): string {
  return address.split(':').at(-1) ?? '';
}
