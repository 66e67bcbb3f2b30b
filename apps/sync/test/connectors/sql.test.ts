import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Page, Peer } from '../../src/connectors/connector.js';
import type { ConformancePeer } from './conformance-peer.js';
import { collect } from './conformance-run.js';
import { describeConformance } from './conformance.js';
import { engines, installTimeoutMs, testSessions, type TestDatabase } from './sql-databases.js';
import { createSqlPeer } from './sql-peer.js';

describe.each(engines)('%s', (_engine, createDatabase) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  }, installTimeoutMs);
  afterAll(() => database.drop());

  describeConformance('a table that marks deleted rows', () => createSqlPeer(database, 'soft'));
  describeConformance('a table that loses deleted rows', () => createSqlPeer(database, 'hard'));

  describe('a table', () => {
    let real: ConformancePeer;
    const { signal } = new AbortController();

    beforeEach(async () => {
      real = await createSqlPeer(database, 'soft');
    });
    afterEach(() => real.stop());

    const connect = (change: object = {}): Peer =>
      real.connector.connect({ ...real.configuration, ...change }, real.environment);
    const read = (peer: Peer, cursor?: string): Promise<Page[]> =>
      collect(peer.read({ recordType: 'people', cursor, signal }));
    const ids = (pages: Page[]) =>
      pages.flatMap(({ items }) => items.map((item) => (item.kind === 'RECORD' ? item.record.id : '')));

    test('gives values of every type without losing a digit, and takes them back', async () => {
      const peer = connect();
      const fields = { paid: '1234567890123456.7891', born: '1815-12-10', [real.nameField]: `O'Brien "x" \\ ; -- 😀` };
      const [written] = await peer.write({
        recordType: 'people',
        items: [{ kind: 'CREATE', key: 'k', fields }],
        signal,
      });
      expect(written).toMatchObject({ kind: 'WRITTEN' });
      const record = await peer.readOne('people', written?.kind === 'WRITTEN' ? written.id : '', signal);
      expect(record?.fields).toMatchObject({ ...fields, key: 'k', version: 1 });
      expect(record?.fields['updated_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,6}Z$/);
    });

    test('waits for rows whose transaction may still be under way', async () => {
      const [id = ''] = await real.add(['Ada']);
      const patient = connect({ lateCommitSeconds: 3_600 });
      const pages = await read(patient);
      expect(ids(pages)).toEqual([]);
      await database.run(`UPDATE people SET updated_at = ${earlier(database)} WHERE id = ${id}`);
      expect(ids(await read(patient, pages.at(-1)?.cursor))).toEqual([id]);
    });

    test('of whole seconds is not read before the second is over', async () => {
      await database.run(wholeSeconds(database));
      await real.add(['Ada', 'Grace']);
      const peer = connect();
      const seen: string[] = [];
      let cursor: string | undefined;
      await expect
        .poll(async () => {
          const pages = await read(peer, cursor);
          cursor = pages.at(-1)?.cursor;
          seen.push(...ids(pages));
          return seen.length;
        })
        .toBe(2);
      expect(new Set(seen).size).toBe(2);
    });

    test('counts versions up with each write, and is rejected with the column when the row does not fit', async () => {
      const [id = ''] = await real.add(['Ada']);
      const peer = connect();
      const write = async (fields: object) => {
        const { version = '' } = (await peer.readOne('people', id, signal)) ?? {};
        const item = { kind: 'UPDATE', id, expectedVersion: version, fields: { ...fields } } as const;
        return (await peer.write({ recordType: 'people', items: [item], signal }))[0];
      };
      expect(await write({ born: '1815-12-10' })).toMatchObject({ kind: 'WRITTEN' });
      expect((await peer.readOne('people', id, signal))?.fields).toMatchObject({ born: '1815-12-10', version: 2 });
      expect(await write({ [real.nameField]: null })).toMatchObject({
        kind: 'REJECTED',
        issues: [{ field: real.nameField }],
      });
      expect(await write({ born: '10.12.1815' })).toMatchObject({ kind: 'REJECTED', issues: [{ field: 'born' }] });
      expect(await write({ paid: '12345678901234567890' })).toMatchObject({ kind: 'REJECTED' });
      expect(await write({ updated_at: '2026-01-01T00:00:00Z' })).toMatchObject({
        kind: 'REJECTED',
        issues: [{ reason: 'READ_ONLY' }],
      });
    });

    test('without a column for keys refuses new rows', async () => {
      const { keyColumn: _, ...others } = real.configuration;
      const peer = real.connector.connect(others, real.environment);
      expect((await peer.describe(signal)).recordTypes[0]?.capabilities.create).toBe(false);
      const items = [{ kind: 'CREATE', key: 'k', fields: real.fields('Ada') }] as const;
      expect(await peer.write({ recordType: 'people', items: [...items], signal })).toMatchObject([
        { kind: 'REJECTED' },
      ]);
      expect(await real.names()).toEqual([]);
    });

    test('is called in one session while sessions are kept, and in another one when that broke', async () => {
      await real.add(['Ada']);
      // Those of the test before may still be ending.
      await expect.poll(() => sessionsOf(database)).toEqual([]);
      const peer = connect();
      const end = peer.keepSessions?.();
      await peer.describe(signal);
      const sessions = await sessionsOf(database);
      await read(peer);
      await peer.readOne('people', '1', signal);
      const later = await sessionsOf(database);
      await endSessions(database, later);
      await expect.poll(() => sessionsOf(database)).toEqual([]);
      await peer.describe(signal);
      const replaced = await sessionsOf(database);
      await end?.();

      expect([sessions.length, later]).toEqual([1, sessions]);
      expect(replaced).toHaveLength(1);
      await expect.poll(() => sessionsOf(database)).toEqual([]);
    });

    test('that lost a column says so while it is configured', async () => {
      const peer = connect();
      await database.run('ALTER TABLE people DROP COLUMN version');
      await expect(read(peer)).rejects.toMatchObject({ violations: [{ field: '/versionColumn' }] });
    });
  });
});

/** Ids of the connector's sessions. Those by which the test runs statements may still be ending, and are not counted. */
async function sessionsOf(asked: TestDatabase): Promise<string[]> {
  const { engine, database, user } = asked;
  const rows = await asked.run(
    engine === 'POSTGRESQL'
      ? `SELECT pid::text FROM pg_stat_activity
         WHERE datname = '${database}' AND backend_type = 'client backend' AND application_name <> '${testSessions}'`
      : `SELECT CAST(id AS CHAR) FROM information_schema.processlist WHERE user = '${user}'`,
  );
  return rows.map(([id = '']) => id);
}

async function endSessions(of: TestDatabase, ids: string[]): Promise<void> {
  for (const id of ids) await of.run(of.engine === 'POSTGRESQL' ? `SELECT pg_terminate_backend(${id})` : `KILL ${id}`);
}

function earlier({ engine }: TestDatabase): string {
  return engine === 'POSTGRESQL' ? `now() - interval '2 hours'` : 'NOW(6) - INTERVAL 2 HOUR';
}

function wholeSeconds({ engine }: TestDatabase): string {
  return engine === 'POSTGRESQL'
    ? 'ALTER TABLE people ALTER updated_at TYPE timestamptz(0)'
    : 'ALTER TABLE people MODIFY updated_at timestamp NOT NULL DEFAULT NOW()';
}
