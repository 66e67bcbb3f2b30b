/**
 * Cost of the audit in the sequencer: processor time of sequence_changes for each change, without and with it, for the
 * changes of one request (an import) and of a request each (calls). Rounds alternate, on one server of its own.
 *
 * `ROUNDS` (5), `CHANGES` of a round (4,000).
 */
import { readFileSync } from 'node:fs';
import { runMigrations, type MigrationClass } from '@rapport/persistence';
import { provisionDatabase, startEmbeddedPostgres } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { source } from '../seed/load-source.ts';

const { entities, migrations } = source;

const rounds = Number(process.env['ROUNDS'] ?? 5);
const changes = Number(process.env['CHANGES'] ?? 4_000);
const batchSize = 2_000;

const postgres = await startEmbeddedPostgres();
try {
  const databases = {
    without: await database('without', migrations.slice(0, -2)),
    with: await database('with', migrations),
  };
  for (const perRequest of [changes, 1]) {
    const micros: Record<string, number[]> = { without: [], with: [] };
    for (let round = -1; round < rounds; round += 1) {
      for (const [name, client] of Object.entries(databases)) {
        const micro = await sequence(client, perRequest);
        if (round >= 0) micros[name]?.push(micro);
      }
    }
    const [without, withAudit] = [median(micros['without']), median(micros['with'])];
    console.log(
      `${perRequest} changes a request: ${without.toFixed(1)} µs a change without, ${withAudit.toFixed(1)} with`,
    );
  }
  await Promise.all(Object.values(databases).map((client) => client.end()));
} finally {
  await postgres.stop();
}

async function database(name: string, of: MigrationClass[]): Promise<pg.Client> {
  const { ownerUrl, appUrl } = await provisionDatabase(postgres.superuserUrl, `audit_${name}`);
  await runMigrations({ databaseUrl: ownerUrl, entities, migrations: of });
  const client = new pg.Client(appUrl);
  await client.connect();
  return client;
}

/** @returns microseconds for each change */
async function sequence(client: pg.Client, perRequest: number): Promise<number> {
  const tenantId = v7();
  for (let done = 0; done < changes; done += perRequest) await addCustomers(client, tenantId, perRequest);
  const { rows: backends } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const startMs = cpuMs(backends[0]?.pid);
  let after = '0';
  for (;;) {
    const { rows } = await client.query<{ moved: number; last_sequence: string }>(
      'select moved, last_sequence from sequence_changes(null, null, $1, $2)',
      [after, batchSize],
    );
    if (!rows[0] || rows[0].moved < batchSize) break;
    after = rows[0].last_sequence;
  }
  return ((cpuMs(backends[0]?.pid) - startMs) * 1_000) / changes;
}

/** Processor time of a process, in steps of 10 ms. */
function cpuMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function addCustomers(client: pg.Client, tenantId: string, count: number): Promise<void> {
  const call = JSON.stringify({ actor: `apiKey:${v7()}`, requestId: v7(), origin: 'import' });
  await client.query('begin');
  await client.query(`select set_config('app.tenant_id', $1, true), set_config('app.call', $2, true)`, [
    tenantId,
    call,
  ]);
  await client.query(
    `insert into customer (tenant_id, id, kind, display_name, given_name, family_name, job_title, company_name, emails,
       phones, addresses, external_ids, domains, tags, search_text, sort_name, version, create_time, update_time,
       created_by, updated_by)
     select $1, uuidv7(), 'PERSON', 'Ada Lovelace ' || n, 'Ada', 'Lovelace', 'Analyst', 'Analytical Engines Ltd',
       jsonb_build_array(jsonb_build_object('address', md5(n::text) || '@example.com', 'type', 'WORK')),
       jsonb_build_array(jsonb_build_object('number', '+44201234' || n)),
       jsonb_build_array(jsonb_build_object('streetLines', array['12 St James''s Square'], 'city', 'London',
         'postalCode', 'SW1Y 4JH', 'countryCode', 'GB')),
       '[]', '{}', '{vip,newsletter}', 'ada lovelace', 'ada lovelace', 1, now(), now(), 'bench', 'bench'
     from generate_series(1, $2) n`,
    [tenantId, count],
  );
  await client.query('commit');
}

function median(values: number[] = []): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
