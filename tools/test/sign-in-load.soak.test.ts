import { setPriority } from 'node:os';
import {
  Browser,
  isSoak,
  LoadProcess,
  percentile,
  printTally,
  queryDatabase,
  sharedPlatform,
  sizeOf,
  soakTimeoutMs,
  startPlatform,
  type HttpPlan,
  type SharedPlatform,
} from '@rapport/testing';
import pg from 'pg';
import { expect, inject, it } from 'vitest';
import { ApiClient } from './api-client.ts';
import { newPerson, type Person } from './people.ts';

/** A tenant whose users sign in for an app, while others use the API with its key. */
interface Scene {
  platform: SharedPlatform;
  api: ApiClient;
  apiKey: string;
  people: Person[];
  authorizePath: string;
  customerPath: string;
}

async function setScene(platform: SharedPlatform): Promise<Scene> {
  const { apiKey } = await platform.createTenant('Acme');
  const api = await ApiClient.connect(platform.edgeUrl, apiKey);
  const people = [await newPerson(platform, api), await newPerson(platform, api)];
  const redirectUri = 'https://app.example.com/callback';
  const { body: oauthClient } = await api.send('POST', '/v1/oauthClients', {
    body: {
      displayName: 'Mail add-on',
      redirectUris: [redirectUri],
      grantTypes: ['AUTHORIZATION_CODE'],
      permissions: ['customers.read'],
    },
  });
  const query = new URLSearchParams({
    client_id: (oauthClient as { clientId: string }).clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  const { body: customer } = await api.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Ada' } });
  return {
    ...{ platform, api, apiKey, people },
    authorizePath: `/oauth/authorize?${query.toString()}`,
    customerPath: `/v1/customers/${(customer as { id: string }).id}`,
  };
}

/**
 * Opens the sign-in page in this many browsers. @returns a function that sends all passwords at once and returns the
 * statuses
 */
async function openPages({ people, authorizePath }: Scene, url: string, addresses: string[]) {
  const pages = await Promise.all(
    addresses.map(async (address) => {
      const browser = new Browser(url, address);
      return { browser, page: await browser.visit(url + authorizePath) };
    }),
  );
  return () =>
    Promise.all(
      pages.map(async ({ browser, page }, index) => {
        const { email = '', password = '' } = people[index % people.length] ?? {};
        return (await browser.submit(page, '/sign-in', { email, password })).status;
      }),
    );
}

it('forwards requests with a password one at a time at each edge, and answers others meanwhile', async () => {
  const scene = await setScene(await sharedPlatform(inject('platformUrl')));
  const { platform, apiKey, customerPath } = scene;
  const addresses = Array<string>(8).fill('127.0.0.1');
  // At the issuer's edge: a form of another origin is refused.
  const send = await openPages(scene, platform.edgeUrl, addresses);
  const databaseUrl = new URL(platform.customersDatabase.superuserUrl);
  databaseUrl.pathname = 'auth';
  const holder = new pg.Client({ connectionString: databaseUrl.href });
  await holder.connect();
  try {
    // Each forwarded sign-in reads its interaction, and is blocked there.
    await holder.query('begin; lock table oidc_record in access exclusive mode');
    const held = () => heldStatements(databaseUrl.href);
    const statuses = send();
    await expect.poll(held, { timeout: 60_000 }).toBe(1);

    for (const [path, headers] of [
      [customerPath, { 'cache-control': 'no-cache' }],
      ['/v1/roles', {}],
    ] as const) {
      for (const url of platform.edgeUrls) {
        const answer = await fetch(url + path, { headers: { authorization: `Bearer ${apiKey}`, ...headers } });
        expect(answer.status).toBe(200);
      }
    }
    expect(await held()).toBe(1);
    await holder.query('rollback');

    for (const status of await statuses) expect([200, 504]).toContain(status);
  } finally {
    await holder.end();
  }
});

async function heldStatements(databaseUrl: string): Promise<number> {
  const rows = await queryDatabase<{ count: number }>(
    databaseUrl,
    `select count(*)::int from pg_stat_activity
     where datname = current_database() and state = 'active' and wait_event_type = 'Lock'`,
  );
  return rows[0]?.count ?? 0;
}

if (isSoak) {
  it(
    '100 concurrent sign-ins make other answers at most three times as slow',
    async () => {
      const [rounds, signIns] = [sizeOf('SIGN_IN_ROUNDS', { short: 1, long: 5 }), 100];
      // A separate platform, which trusts each browser's address: the test is not about the throttle.
      const platform = await startPlatform({ edgeEnv: { TRUSTED_PROXIES: '127.0.0.1' } });
      const load = new LoadProcess();
      try {
        const scene = await setScene(platform);
        const plan = planOf(scene);
        // The browsers stand for other machines: they must take no processor time from the measured clients, which already
        // run.
        if (process.platform === 'linux') setPriority(10);
        const latencies: Record<'calm' | 'busy', number[]> = { calm: [], busy: [] };
        const measure = async (name: keyof typeof latencies) => {
          const { latenciesMs, statuses } = await load.run(plan);
          expect(Object.keys(statuses)).toEqual(['200']);
          latencies[name].push(...latenciesMs);
        };
        await load.run(plan);
        for (let round = 0; round < rounds; round += 1) {
          await measure('calm');
          const addresses = Array.from({ length: signIns }, (_, index) => `10.${round}.${index}.1`);
          const send = await openPages(scene, platform.edgeUrl, addresses);
          const finished = send();
          await measure('busy');
          // A slow machine refuses the last ones with a status.
          const statuses = await finished;
          expect(statuses).toContain(200);
          expect(statuses.filter((status) => ![200, 429, 504].includes(status))).toEqual([]);
        }

        const p99 = (name: keyof typeof latencies) => percentile(Float64Array.from(latencies[name]).sort(), 0.99);
        printTally('sign-in load', { rounds, signIns, 'p99 without in ms': p99('calm'), 'with in ms': p99('busy') });
        expect(p99('busy') / p99('calm')).toBeLessThan(3);
      } finally {
        if (process.platform === 'linux') setPriority(0);
        await load.stop();
        await platform.stop();
      }
    },
    soakTimeoutMs,
  );
}

/** Reads from the edge's cache, from customers, and from auth. */
function planOf({ platform, apiKey, customerPath: path }: Scene): HttpPlan {
  const headers = { authorization: `Bearer ${apiKey}` };
  return {
    kind: 'http',
    url: platform.edgeUrl,
    ...{ atOnce: 16, durationMs: 3_000, perSecond: 60, everyLatency: true },
    requests: [
      { path, headers },
      { path, headers: { ...headers, 'cache-control': 'no-cache' } },
      { path: '/v1/roles', headers },
    ],
  };
}
