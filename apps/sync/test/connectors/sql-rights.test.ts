import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { engines, installTimeoutMs, type TestDatabase } from './sql-databases.js';
import { SqlTable } from './sql-table.js';

const people = (more = '') => `CREATE TABLE people (id varchar(60) PRIMARY KEY, name varchar(60), title varchar(60),
  updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ${more})`;
const settings = { idColumn: 'id', keyColumn: 'id' };

describe.each(engines)('%s', (_engine, createDatabase) => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createDatabase();
  }, installTimeoutMs);
  afterAll(() => database.drop());
  afterEach(async () => {
    await database.run('DROP TABLE IF EXISTS people');
  });

  const openAs = async (...rights: string[]) => {
    const user = await database.userWith('people', ...rights);
    return SqlTable.open(database, 'people', { ...settings, ...user });
  };
  const writable = async (table: SqlTable) =>
    (await table.describe()).fields.filter((field) => field.writable).map(({ name }) => name);

  describe('describes what the user may do:', () => {
    test.each<[string[], object, string[]]>([
      [['SELECT'], { create: false, update: false, delete: false }, []],
      [['SELECT', 'UPDATE'], { create: false, update: true, delete: false }, ['name', 'title']],
      [['SELECT', 'UPDATE', 'DELETE'], { create: false, update: true, delete: true }, ['name', 'title']],
      [['SELECT', 'INSERT'], { create: true, update: false, delete: false }, ['name', 'title']],
      [['SELECT', 'INSERT', 'UPDATE (title)'], { create: true, update: false, delete: false }, ['name', 'title']],
      [['SELECT', 'UPDATE (title, updated_at)'], { create: false, update: true, delete: false }, ['title']],
      [['SELECT', 'INSERT', 'UPDATE (name, updated_at)'], { create: true, update: true, delete: false }, ['name']],
      [['SELECT', 'INSERT (id, name)', 'UPDATE'], { create: false, update: true, delete: false }, ['name', 'title']],
      [['SELECT', 'INSERT (id, name, updated_at)'], { create: true, update: false, delete: false }, ['name']],
    ])('with %j', async (rights, capabilities, fields) => {
      await database.run(people());

      const table = await openAs(...rights);

      expect((await table.describe()).capabilities).toMatchObject(capabilities);
      expect(await writable(table)).toEqual(fields);
    });

    test('columns that it may not read are not read, and those of the configuration are missed', async () => {
      await database.run(people());
      await database.run(`INSERT INTO people (id, name, title) VALUES ('1', 'Ada', 'Countess')`);

      const table = await openAs('SELECT (id, name, updated_at)', 'UPDATE (title)');
      expect(await table.records()).toMatchObject([{ id: '1', fields: { name: 'Ada' } }]);
      expect((await table.describe()).fields).toContainEqual(
        expect.objectContaining({ name: 'title', type: 'UNSUPPORTED', description: 'The user may not read it.' }),
      );
      await expect((await openAs('SELECT (name, updated_at)')).check()).rejects.toMatchObject({
        violations: [{ field: '/idColumn', reason: 'NOT_FOUND' }],
      });
    });

    test('without any right to the table says so', async () => {
      await database.run(people());
      await database.run('CREATE TABLE other (id int)');
      const user = await database.userWith('other', 'SELECT');

      await expect((await SqlTable.open(database, 'people', { ...settings, ...user })).check()).rejects.toMatchObject({
        violations: [{ field: '/user', reason: 'UNAUTHORISED' }],
      });
      await database.run('DROP TABLE other');
    });
  });

  test('names columns that are generated, unlisted or unsupported, with the reason', async () => {
    const isPostgres = database.engine === 'POSTGRESQL';
    const columns = isPostgres
      ? `, total int GENERATED ALWAYS AS (1 + 1) STORED, photo bytea, place point, labels text[], price money`
      : `, total int GENERATED ALWAYS AS (1 + 1) STORED, photo blob, place point, flags bit(3)`;
    await database.run(people(columns));

    const { fields } = await (await SqlTable.open(database, 'people', settings)).describe();
    const named = fields
      .filter(({ writable }) => !writable)
      .map((field) => [field.name, field.type, field.description]);

    expect(named).toEqual([
      ['id', 'TEXT', 'The connection has a use of its own for it.'],
      ['updated_at', isPostgres ? 'LOCAL_TIME' : 'TIME', 'The connection has a use of its own for it.'],
      ['total', 'NUMBER', 'The database generates it.'],
      ...(isPostgres
        ? [
            ['place', 'TEXT', 'What may be written to the type point is not known.'],
            ['photo', 'UNSUPPORTED', 'The type bytea is not supported.'],
            ['labels', 'UNSUPPORTED', 'The type text[] is not supported.'],
            ['price', 'UNSUPPORTED', 'The type money is not supported.'],
          ]
        : [
            ['photo', 'UNSUPPORTED', 'The type blob is not supported.'],
            ['place', 'UNSUPPORTED', 'The type point is not supported.'],
            ['flags', 'UNSUPPORTED', 'The type bit(3) is not supported.'],
          ]),
    ]);
  });
});
