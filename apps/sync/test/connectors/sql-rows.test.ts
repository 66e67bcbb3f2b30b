import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createPostgresDatabase, engines, installTimeoutMs, type TestDatabase } from './sql-databases.js';
import { SqlTable } from './sql-table.js';

const updatedAt = 'updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)';

/** A site of a company, known by the number of the company and the name of the site; each is there more than once. */
const sites = `CREATE TABLE sites (company int NOT NULL, site varchar(40) NOT NULL, phone varchar(40), ${updatedAt},
  PRIMARY KEY (company, site))`;
const rows = `INSERT INTO sites (company, site, phone) VALUES (2, 'Graz', '4'), (1, 'Wien', '2'), (1, 'Graz', '1'), (10, 'Graz', '3')`;

const composite = { idColumns: ['company', 'site'] };

describe.each(engines)('%s: a row', (_engine, createDatabase) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  }, installTimeoutMs);
  afterAll(() => database.drop());
  afterEach(async () => {
    await database.run('DROP TABLE IF EXISTS sites');
  });

  const open = (settings: object, table = 'sites') => SqlTable.open(database, table, { ...settings });
  const phones = () => database.run('SELECT company, site, phone FROM sites ORDER BY company, site');

  describe('is known by columns that are unique together,', () => {
    test.each<[string, object, string]>([
      ['one column of a key of two', { idColumn: 'company' }, '/idColumn'],
      ['the other one', { idColumns: ['site'] }, '/idColumns'],
      ['more columns than the key has', { idColumns: ['company', 'site', 'code'] }, '/idColumns'],
      ['a column with an index that is not unique', { idColumn: 'code' }, '/idColumn'],
      ['a key for new rows that is not unique', { ...composite, keyColumn: 'code' }, '/keyColumn'],
    ])('so a check refuses %s', async (_what, settings, field) => {
      await database.run(sites);
      await database.run(`ALTER TABLE sites ADD code varchar(40) DEFAULT '' NOT NULL`);
      await database.run('CREATE INDEX sites_code ON sites (code)');

      const table = await open(settings);

      await expect(table.check()).rejects.toMatchObject({ violations: [{ field, reason: 'NOT_UNIQUE' }] });
      await expect(table.describe()).rejects.toMatchObject({ violations: [{ field, reason: 'NOT_UNIQUE' }] });
    });

    test('and neither by the beginning of a text, nor by some rows only', async () => {
      await database.run(sites);
      const partial =
        database.engine === 'MARIADB' ? 'ON sites (phone(2))' : `ON sites (phone) WHERE phone IS NOT NULL`;
      await database.run(`CREATE UNIQUE INDEX some_phones ${partial}`);

      await expect((await open({ ...composite, keyColumn: 'phone' })).check()).rejects.toMatchObject({
        violations: [{ field: '/keyColumn', reason: 'NOT_UNIQUE' }],
      });
    });

    test.each<[object, string]>([
      [{}, '/idColumn'],
      [{ idColumn: 'company', ...composite }, '/idColumns'],
      [{ idColumns: ['company', 'company'] }, '/idColumns'],
    ])('which %j does not say', async (settings, field) => {
      await expect(open(settings)).rejects.toMatchObject({ violations: [{ field }] });
    });
  });

  describe('with a key of two columns', () => {
    test('is read in pages of any size, each once', async () => {
      await database.run(sites);
      await database.run(rows);
      const table = await open(composite);

      for (const pageSize of [1, 2, 3, 10]) {
        const ids = (await table.records(pageSize)).map(({ id }) => id);
        expect(ids.toSorted()).toEqual(['["1","Graz"]', '["1","Wien"]', '["10","Graz"]', '["2","Graz"]']);
        expect(await table.keys(pageSize)).toEqual(['["1","Graz"]', '["1","Wien"]', '["2","Graz"]', '["10","Graz"]']);
      }
    });

    test('is changed and deleted without its neighbours', async () => {
      await database.run(sites);
      await database.run(rows);
      const table = await open(composite);

      expect(await table.update('["1","Graz"]', { phone: '9' })).toMatchObject({ kind: 'WRITTEN', id: '["1","Graz"]' });
      expect(await table.delete('["1","Wien"]')).toMatchObject({ kind: 'WRITTEN' });

      expect(await phones()).toEqual([
        ['1', 'Graz', '9'],
        ['2', 'Graz', '4'],
        ['10', 'Graz', '3'],
      ]);
      expect(await table.one('["1","Graz"]')).toMatchObject({ fields: { company: 1, site: 'Graz', phone: '9' } });
    });

    test.each(['1', '["1"]', '["1","Graz","x"]', '{"company":1}', '["01","Graz"]', '[1,"Graz"]', '["x","Graz"]'])(
      'is not known as %s',
      async (id) => {
        await database.run(sites);
        await database.run(rows);

        expect(await (await open(composite)).one(id)).toBeUndefined();
      },
    );

    test('is named by webhooks with a list of both', async () => {
      await database.run(sites);
      const body = Buffer.from(JSON.stringify({ table: 'sites', ids: [[1, 'Graz'], 'x'] }));
      const { sqlConnector } = await import('../../src/connectors/sql/sql-connector.js');

      expect(sqlConnector.parseWebhook?.({ headers: {}, body })).toEqual([
        { recordType: 'sites', id: '["1","Graz"]' },
        { recordType: 'sites', id: 'x' },
      ]);
    });

    test('is created by a key of its own where the database gives the others', async () => {
      await database.run(sites);
      await database.run(`ALTER TABLE sites ADD code varchar(60) UNIQUE`);
      expect((await (await open({ ...composite, keyColumn: 'code' })).describe()).capabilities.create).toBe(false);
      await database.run('DROP TABLE sites');
      await database.run(`CREATE TABLE sites (company int NOT NULL DEFAULT 7, site varchar(60) NOT NULL, phone varchar(40),
        ${updatedAt}, PRIMARY KEY (company, site), UNIQUE (site))`);

      const table = await open({ ...composite, keyColumn: 'site' });

      expect((await table.describe()).capabilities.create).toBe(true);
      const created = { kind: 'CREATE', key: 'k', fields: { phone: '5' } } as const;
      expect(await table.write(created)).toMatchObject({ kind: 'WRITTEN', id: '["7","k"]' });
      expect(await table.write(created)).toMatchObject({ kind: 'CONFLICT', id: '["7","k"]' });
    });
  });

  test('that the database does not let be changed is rejected, and nothing of it is kept', async () => {
    await database.run(sites);
    await database.run(rows);
    for (const statement of keepingRows(database)) await database.run(statement);
    const table = await open(composite);

    const reason = database.engine === 'POSTGRESQL' ? 'ROW_COUNT' : 'REFUSED';
    for (const result of [await table.update('["1","Graz"]', { phone: '9' }), await table.delete('["1","Graz"]')]) {
      expect(result).toMatchObject({ kind: 'REJECTED', issues: [{ reason }] });
    }
    expect(await phones()).toContainEqual(['1', 'Graz', '1']);
  });
});

/** A trigger by which a statement meets no row (PostgreSQL), or fails (MariaDB, whose triggers can't pass a row over). */
function keepingRows({ engine }: TestDatabase): string[] {
  return engine === 'POSTGRESQL'
    ? [
        `CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
        'CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON sites FOR EACH ROW EXECUTE FUNCTION keep()',
      ]
    : [
        `CREATE TRIGGER keep BEFORE UPDATE ON sites FOR EACH ROW SIGNAL SQLSTATE '45000'`,
        `CREATE TRIGGER keep_too BEFORE DELETE ON sites FOR EACH ROW SIGNAL SQLSTATE '45000'`,
      ];
}

describe('PostgreSQL: a row', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createPostgresDatabase();
  });
  afterAll(() => database.drop());

  test('of a table with children, whose ids no index keeps apart, is left alone where two have its id', async () => {
    await database.run(sites);
    await database.run('CREATE TABLE children () INHERITS (sites)');
    await database.run(`INSERT INTO sites (company, site, phone) VALUES (1, 'Graz', '1')`);
    await database.run(`INSERT INTO children (company, site, phone) VALUES (1, 'Graz', '2')`);
    const table = await SqlTable.open(database, 'sites', composite);
    const [{ id = '', version = '' } = {}] = await table.records();

    for (const item of [
      { kind: 'UPDATE', id, expectedVersion: version, fields: { phone: '9' } } as const,
      { kind: 'DELETE', id, expectedVersion: version } as const,
    ]) {
      expect(await table.write(item)).toMatchObject({ kind: 'REJECTED', issues: [{ reason: 'ROW_COUNT' }] });
    }
    expect(await database.run('SELECT phone FROM sites ORDER BY 1')).toEqual([['1'], ['2']]);
  });
});
