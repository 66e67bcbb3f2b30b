import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WriteItem, WriteResult } from '../../src/connectors/connector.js';
import type { RecordField } from '../../src/connectors/description.js';
import type { JsonValue, PeerRecord } from '../../src/connectors/peer-record.js';
import type { FieldRule } from '../../src/exchange/mappings/field-rule.js';
import type { FieldLens } from '../../src/exchange/mappings/lenses/lens.js';
import { ruleLens, typeFault, type CustomerFieldType } from '../../src/exchange/mappings/lenses/value-conversion.js';
import { exchangedType } from '../../src/exchange/mappings/records/exchanged-types.js';
import { columnTypes, customTypes, type Cell } from './column-types.js';
import {
  createPostgresDatabase,
  createSharedMariadbDatabase,
  installTimeoutMs,
  type TestDatabase,
} from './sql-databases.js';
import { SqlTable } from './sql-table.js';

const engines: [TestDatabase['engine'], () => Promise<TestDatabase>][] = [
  ['POSTGRESQL', createPostgresDatabase],
  ['MARIADB', createSharedMariadbDatabase],
];
const settings = { idColumn: 'id', timeZone: 'Europe/Berlin' };

/** A value of a column in a row of its own, and another row that it is written to. */
interface Sample {
  type: string;
  custom: string;
  index: number;
  cell: Cell;
  rows: { from: string; to: string };
}

function samplesOf(engine: TestDatabase['engine']): Sample[] {
  const cells = columnTypes[engine].flatMap(({ type, cells: values }, index) =>
    customTypes.flatMap((custom) => {
      const cell = values[custom];
      return cell ? [{ type, custom, index, cell }] : [];
    }),
  );
  return cells.map((cell, place) => ({ ...cell, rows: { from: String(2 * place + 1), to: String(2 * place + 2) } }));
}

describe.each(engines)('%s: a column of the type', (engine, createDatabase) => {
  const samples = samplesOf(engine);
  let database: TestDatabase;
  let table: SqlTable;
  let described: RecordField[];
  let records: Map<string, PeerRecord>;
  let written: Map<string, WriteResult | undefined>;

  // All are read by one call and written by another: each call connects anew, which is nearly all of what it costs.
  beforeAll(async () => {
    database = await createDatabase();
    if (engine === 'POSTGRESQL') await database.run(`CREATE TYPE colour AS ENUM ('dark red', 'blue')`);
    const columns = columnTypes[engine].map(({ type }, index) => `c${index} ${type} NULL`);
    await database.run(`CREATE TABLE samples (id int PRIMARY KEY, ${columns.join(', ')},
      updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6))`);
    const ids = samples.flatMap(({ rows: { from, to } }) => [from, to]);
    // No sample has the row 0.
    await database.run(`INSERT INTO samples (id) VALUES ${[...ids, '0'].map((id) => `(${id})`).join(', ')}`);
    for (const { index, cell, rows } of samples) {
      const [sql] = cell;
      await database.run(`UPDATE samples SET c${index} = ${cast(engine, index, sql)} WHERE id = ${rows.from}`);
    }
    table = await SqlTable.open(database, 'samples', settings);
    described = (await table.describe()).fields;
    records = new Map((await table.records(1_000)).map((record) => [record.id, record]));
    written = await writeAll();
  }, installTimeoutMs);
  afterAll(() => database.drop());

  const lensOf = (index: number, custom: string, fields = described): FieldLens | string => {
    const rule: FieldRule = {
      customerField: 'customFields.x',
      peerField: `c${index}`,
      transform: 'NONE',
      authority: 'BOTH',
      onEmpty: 'CLEAR',
    };
    const types = {
      type: exchangedType('customers'),
      fields,
      customFields: new Map([['x', custom as CustomerFieldType]]),
    };
    return typeFault(rule, types) ?? ruleLens(rule, types);
  };
  const readOf = ({ index, rows }: Sample): JsonValue => records.get(rows.from)?.fields[`c${index}`] ?? null;

  /** What a sample is read as goes to its other row. @returns the results by the id of the row */
  async function writeAll(): Promise<Map<string, WriteResult | undefined>> {
    const items = samples.flatMap((sample): WriteItem[] => {
      const { index, custom, rows } = sample;
      const lens = lensOf(index, custom);
      // Its own test says so.
      if (typeof lens === 'string') return [];
      const fields = { [`c${index}`]: lens.toPeer(lens.ofPeer(readOf(sample)), null) };
      return [{ kind: 'UPDATE', id: rows.to, expectedVersion: records.get(rows.to)?.version ?? '', fields }];
    });
    const results = await table.writeAll(items);
    return new Map(items.map((item, place) => [item.kind === 'UPDATE' ? item.id : '', results[place]]));
  }

  test.each(samples.map((sample): [string, string, Sample] => [sample.type, sample.custom, sample]))(
    '%s gives its values to a field of the type %s, and takes them back exactly',
    async (_type, custom, sample) => {
      const { index, cell, rows } = sample;
      const [, value] = cell;
      const lens = lensOf(index, custom);
      if (typeof lens === 'string') return expect.fail(lens);

      const read = readOf(sample);
      const view = lens.ofPeer(read);
      expect(lens.toCustomer(view, null)).toEqual(value);
      // What both sides have is the same for a merge.
      expect(lens.ofCustomer(value as JsonValue)).toEqual(view);
      expect(written.get(rows.to)).toMatchObject({ kind: 'WRITTEN' });

      expect(await database.run(same(engine, sample))).toEqual([['1']]);
      // What is the same stays as the column has it, with all of its digits.
      expect(lens.toPeer(view, read)).toEqual(read);
    },
  );

  const unfit = columnTypes[engine].flatMap(({ type, cells }, index) =>
    customTypes.filter((custom) => !cells[custom]).map((custom): [string, string, number] => [type, custom, index]),
  );

  test.each(unfit)('%s is refused for a field of the type %s, with the reason', (_type, custom, index) => {
    expect(lensOf(index, custom)).toEqual(expect.stringMatching(/not supported|cannot become/));
  });

  test('without a zone is refused for moments, unless the connection has one', async () => {
    const { fields } = await (await SqlTable.open(database, 'samples', { idColumn: 'id' })).describe();
    const index = columnTypes[engine].findIndex(
      ({ type }) => /^datetime|without time zone/.test(type) && !type.startsWith('time '),
    );

    expect(lensOf(index, 'TIME', fields)).toMatch(/timeZone/);
    expect(lensOf(index, 'TEXT', fields)).toBeTypeOf('object');
  });

  test('of times of change gets them in the zone of the connection, and is read by them', async () => {
    await database.run(`CREATE TABLE changes (id int PRIMARY KEY, name varchar(60),
      updated_at ${engine === 'POSTGRESQL' ? 'timestamp(6)' : 'datetime(6)'} NOT NULL)`);
    await database.run(`INSERT INTO changes (id, updated_at) VALUES (1, '2026-01-01 00:00:00')`);
    const changes = await SqlTable.open(database, 'changes', { idColumn: 'id', timeZone: 'Asia/Kolkata' });

    expect(await changes.update('1', { name: 'Ada' })).toMatchObject({ kind: 'WRITTEN' });

    const ahead =
      engine === 'POSTGRESQL'
        ? `SELECT round(extract(epoch FROM updated_at - clock_timestamp() AT TIME ZONE 'UTC') / 60) FROM changes`
        : 'SELECT ROUND(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), updated_at) / 60) FROM changes';
    // Minutes, as far as both clocks are the same one.
    expect(await database.run(ahead)).toEqual([['330']]);
    await expect.poll(() => changes.records()).toMatchObject([{ id: '1', fields: { name: 'Ada' } }]);
  });

  test('of times is read in a zone that there is', async () => {
    await expect(
      SqlTable.open(database, 'samples', { idColumn: 'id', timeZone: 'Europe/Atlantis' }),
    ).rejects.toMatchObject({
      violations: [{ field: '/timeZone' }],
    });
  });

  /** What would be rounded, cut or wrapped. */
  test.each<[string, JsonValue]>(
    [
      [['numeric(10,2)', 'decimal(10,2)'], '2.555'],
      [['numeric(10,2)', 'decimal(10,2)'], '100000000'],
      [['integer', 'int'], 2.5],
      [['integer', 'int'], 2_147_483_648],
      [['smallint'], -32_769],
      [['bigint'], '9223372036854775808'],
      [['bigint unsigned', 'tinyint unsigned'], -1],
      [['real', 'float'], 0.123456789],
      [['double precision', 'double'], '0.12345678901234567890'],
      [['year'], 70],
      [['tinyint(1)', 'boolean'], 2],
      [['character varying(10)', 'varchar(10)'], '12345678901'],
      [['colour', `enum('gold','it''s')`], 'silver'],
      [['date'], '2026-02-30x'],
    ].flatMap(([types, value]) =>
      (types as string[])
        .filter((type) => columnTypes[engine].some((column) => column.type === type))
        .map((type): [string, JsonValue] => [type, value as JsonValue]),
    ),
  )('%s takes no %j: the field is named, and the row stays', async (type, value) => {
    const name = `c${columnTypes[engine].findIndex((column) => column.type === type)}`;

    expect(await table.update('0', { [name]: value })).toMatchObject({ kind: 'REJECTED', issues: [{ field: name }] });
    expect(await database.run(`SELECT COUNT(*) FROM samples WHERE ${name} IS NULL AND id = 0`)).toEqual([['1']]);
  });
});

function cast(engine: TestDatabase['engine'], index: number, sql: string): string {
  return engine === 'POSTGRESQL' ? `CAST(${sql} AS ${columnTypes[engine][index]?.type})` : sql;
}

/** Compares both rows by the database alone. */
function same(engine: TestDatabase['engine'], { index, rows }: Sample): string {
  const [one, other] = [`a.c${index}`, `b.c${index}`];
  // The texts of JSON may differ in spaces.
  const form = columnTypes.POSTGRESQL[index]?.type === 'json' ? 'jsonb' : 'text';
  const equal =
    engine === 'POSTGRESQL'
      ? `(${one}::${form} IS NOT DISTINCT FROM ${other}::${form})::int`
      : `CAST(${one} AS BINARY) <=> CAST(${other} AS BINARY)`;
  return `SELECT ${equal} FROM samples a, samples b WHERE a.id = ${rows.from} AND b.id = ${rows.to}`;
}
