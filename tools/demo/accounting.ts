import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { apiOf, type Api } from './api.ts';
import type { Demo, DemoPlatform } from './demo.ts';
import story from './story.json' with { type: 'json' };
import type { Scene } from './users.ts';

interface Person {
  givenName: string;
  familyName: string;
  jobTitle?: string;
  emails: { address: string }[];
  phones?: { number: string }[];
}

interface Connection {
  id: string;
  displayName: string;
  settings: { user: string };
}

const displayName = 'Accounting';

const table = `CREATE TABLE contacts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, given_name text, family_name text,
  title text, email text, phone text, updated_at timestamptz NOT NULL DEFAULT clock_timestamp())`;

const fields = [
  { customerField: 'givenName', peerField: 'given_name' },
  { customerField: 'familyName', peerField: 'family_name' },
  { customerField: 'jobTitle', peerField: 'title' },
  { customerField: 'emails', peerField: 'email', transform: 'FIRST_OF_LIST' },
  { customerField: 'phones', peerField: 'phone', transform: 'FIRST_OF_LIST' },
];

/** The connected system. */
export interface Accounting {
  api: Api;
  mapping: string;
  /** Runs a statement in its database. */
  query: (statement: string, values: unknown[]) => Promise<void>;
}

/**
 * Connects another system: a table of people in the PostgreSQL of the platform. It has the people of the workspace, and both
 * sides are equal.
 */
export async function connectAccounting(
  admin: Api,
  platform: DemoPlatform,
  demo: Demo,
  signal: AbortSignal,
): Promise<Accounting> {
  const filter = encodeURIComponent('kind = PERSON');
  const [{ key }, { customers }] = await Promise.all([
    admin<{ key: string }>('POST', '/v1/apiKeys', {
      displayName: `${displayName} connection`,
      permissions: ['connections.read', 'connections.write', 'customers.read', 'customers.write', 'users.read'],
    }),
    admin<{ customers: Person[] }>('GET', `/v1/customers?pageSize=200&filter=${filter}`),
  ]);
  const api = apiOf(demo.url, key, signal);
  const [user, password] = [`accounting_${randomBytes(4).toString('hex')}`, randomBytes(16).toString('hex')];
  const rows = customers.map(({ givenName, familyName, jobTitle, emails, phones }) => {
    return { givenName, familyName, jobTitle, email: emails[0]?.address, phone: phones?.[0]?.number };
  });
  await run(platform, `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; CREATE SCHEMA AUTHORIZATION ${user}`);
  await run(platform, `SET ROLE ${user}; SET search_path TO ${user}; ${table}`);
  await run(
    platform,
    `INSERT INTO ${user}.contacts (given_name, family_name, title, email, phone) SELECT "givenName", "familyName", "jobTitle", email, phone
       FROM jsonb_to_recordset($1) AS person ("givenName" text, "familyName" text, "jobTitle" text, email text, phone text)`,
    [JSON.stringify(rows)],
  );
  const { id: connectionId } = await api('POST', '/v1/connections', {
    ...{ connector: 'sql', displayName, pollSeconds: 60, secrets: { password } },
    settings: {
      ...{ engine: 'POSTGRESQL', host: '127.0.0.1', port: portOf(platform), database: 'postgres', user, tls: 'OFF' },
      ...{ schema: user, table: 'contacts', idColumn: 'id', updatedColumn: 'updated_at', lateCommitSeconds: 0 },
    },
  });
  const input = { connectionId, recordType: 'contacts', customerKind: 'PERSON', fields };
  const { id: mapping } = await api('POST', '/v1/mappings', input);
  const contacts = (statement: string) => statement.replace('contacts', `${user}.contacts`);
  return { api, mapping, query: (statement, values) => run(platform, contacts(statement), values) };
}

/** Changes people on both sides while nothing is exchanged, and some in the table only. The conflicts stay open. */
export async function makeConflicts({ actor, id }: Scene, { api, mapping, query }: Accounting): Promise<void> {
  const path = `/v1/mappings/${mapping}`;
  await until(async () => (await api<{ isBackfilled?: boolean }>('GET', path)).isBackfilled === true);
  await api('PATCH', path, { state: 'PAUSED' });
  for (const { name, by, ours } of story.conflicts) {
    await actor(by).api('PATCH', `/v1/customers/${id(`customers/${name}`)}`, ours);
  }
  for (const { name, theirs } of [...story.conflicts, ...story.changesInAccounting]) {
    const set = Object.keys(theirs).map((column, index) => `${column} = $${index + 2}`);
    const person = `given_name || ' ' || family_name = $1`;
    const statement = `UPDATE contacts SET ${set.join(', ')}, updated_at = clock_timestamp() WHERE ${person}`;
    await query(statement, [name, ...Object.values(theirs)]);
  }
  await api('PATCH', path, { state: 'ENABLED' });
  await until(async () => {
    const { counts } = await api<{ counts: { count: number }[] }>('GET', `/v1/syncConflicts?mappingId=${mapping}`);
    return counts.reduce((sum, { count }) => sum + count, 0) >= story.conflicts.length;
  });
}

/** Connects it again after a start: PostgreSQL has another port. */
export async function reconnect(demo: Demo, platform: DemoPlatform, signal: AbortSignal): Promise<void> {
  const api = apiOf(demo.url, demo.apiKey, signal);
  const { connections } = await api<{ connections: Connection[] }>('GET', '/v1/connections');
  const connection = connections.find((each) => each.displayName === displayName);
  if (!connection) return;
  const password = randomBytes(16).toString('hex');
  const { id, settings } = connection;
  await run(platform, `ALTER ROLE ${settings.user} PASSWORD '${password}'`);
  await api('PATCH', `/v1/connections/${id}`, {
    settings: { ...settings, port: portOf(platform) },
    secrets: { password },
  });
}

function portOf({ postgres }: DemoPlatform): number {
  return Number(new URL(postgres.superuserUrl).port);
}

async function run({ postgres }: DemoPlatform, statement: string, values?: unknown[]): Promise<void> {
  const database = new pg.Client({ connectionString: postgres.superuserUrl });
  await database.connect();
  try {
    await database.query(statement, values);
  } finally {
    await database.end();
  }
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 100));
}
