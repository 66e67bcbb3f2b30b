import { randomUUID } from 'node:crypto';
import { isSoak, printedSeed, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startMariadb, type Mariadb } from '../connectors/peers/mariadb.ts';
import { startRadicale, type Radicale } from '../connectors/peers/radicale.ts';
import { createMariadbDatabase, createPostgresSchema, type TestDatabase } from '../connectors/sql-databases.ts';
import { DealsTable } from './deals-table.ts';
import { ExchangeTenant } from './exchange-tenant.ts';
import { cardSide } from './two-way/card-side.ts';
import { dealContent, dealSide, dealsTableSide } from './two-way/deal-sides.ts';
import { customerSide } from './two-way/customer-side.ts';
import { compareInSql } from './two-way/compare-in-sql.ts';
import { peopleTable, tableSide } from './two-way/table-side.ts';
import { defineTypedFields, typedCustomerSide } from './two-way/typed-customers.ts';
import { fieldsOf, typedContent, type Engine } from './two-way/typed-fields.ts';
import { createTypedTable, typedTableSide } from './two-way/typed-table.ts';
import { twoWay, type TwoWayOptions } from './two-way/two-way.ts';

const seed = printedSeed('two-way');
const records = sizeOf('TWO_WAY_RECORDS', { short: 16, long: 2_000 });
/** How long both sides are edited; 0 to make TWO_WAY_EDITS edits. */
const seconds = sizeOf('TWO_WAY_SECONDS', { short: 0, long: 300 });
const edits = sizeOf('TWO_WAY_EDITS', { short: 40, long: 0 });
/** Of each table with columns of many types. */
const typedRecords = sizeOf('TWO_WAY_TYPED_RECORDS', { short: 8, long: 200 });
const editsPerKill = sizeOf('TWO_WAY_EDITS_PER_KILL', { short: 25, long: 400 });

let platform: Platform;
let radicale: Radicale;
let mariadb: Mariadb;

/** Edits of the peer are found by looking for them. */
const polled = { pollSeconds: 1 };
const mapping = { policy: 'MANUAL', maxDeletes: 100_000 };

/** What is the same with either peer. */
function options(
  kills: (() => Promise<void>)[],
): Omit<TwoWayOptions, 'name' | 'tenant' | 'mappingId' | 'customers' | 'peer'> {
  let endMs: number | undefined;
  // The short form kills one process, which the seed selects.
  const first = seed % kills.length;
  return {
    seed,
    records,
    goesOn: (made) => {
      if (seconds === 0) return made < edits;
      endMs ??= Date.now() + seconds * 1_000;
      return Date.now() < endMs;
    },
    kills: [...kills.slice(first), ...kills.slice(0, first)],
    editsPerKill,
  };
}

const typed: [Engine, zone: string][] = [
  ['POSTGRESQL', 'Europe/Berlin'],
  ['MARIADB', 'Asia/Kolkata'],
  ['POSTGRESQL', 'Asia/Kolkata'],
  ['MARIADB', 'Europe/Berlin'],
];

/** One of them by the seed, and all in the long form. */
const typedTables = typed.filter((_, index) => isSoak || index === seed % typed.length);

/** Tests that have yet to set up what they need, in which a kill would fail their calls. */
let unprepared = 3 + typedTables.length;
const allPrepared = Promise.withResolvers<void>();

async function prepare<Made>(setUp: () => Promise<Made>): Promise<Made> {
  return setUp().finally(() => {
    unprepared -= 1;
    if (unprepared === 0) allPrepared.resolve();
  });
}

let killing = allPrepared.promise;

/** One after the other: all tests kill what they share. */
function inTurn(kills: (() => Promise<void>)[]): (() => Promise<void>)[] {
  return kills.map((kill) => () => (killing = killing.then(kill)));
}

async function killSync(): Promise<void> {
  await platform.services.sync.kill();
  await platform.services.sync.start();
}

async function killCustomers(): Promise<void> {
  await platform.services.customers.kill();
  await platform.services.customers.start();
}

/** @param current gives the platform whose sync and customers are killed */
export function declareTwoWayAmidKills(current: () => Platform): void {
  describe('two ways at once', () => {
    beforeAll(async () => {
      platform = current();
      // They are killed too.
      [radicale, mariadb] = await Promise.all([startRadicale(), startMariadb()]);
    }, 600_000);
    afterAll(async () => {
      await Promise.all([radicale.stop(), mariadb.stop()]);
    });

    test.concurrent(
      'with Radicale, edits on both sides amid kills are lost nowhere, and end in two equal sides',
      { timeout: soakTimeoutMs },
      async () => {
        const { tenant, book, mappingId } = await prepare(addressBook);

        const sides = { customers: customerSide(tenant), peer: cardSide(radicale, book) };
        const kills = inTurn([killSync, () => radicale.restart(), killCustomers]);
        const result = await twoWay({ name: 'two-way with Radicale', tenant, mappingId, ...sides, ...options(kills) });

        expect(result.pairs).toBeGreaterThan(0);
      },
    );

    test.concurrent(
      'with MariaDB, edits on both sides amid kills are lost nowhere, and end in two equal sides',
      { timeout: soakTimeoutMs },
      async () => {
        const { tenant, database, mappingId } = await prepare(mariadbTable);

        const sides = { customers: customerSide(tenant), peer: tableSide(database) };
        const kills = inTurn([killSync, () => mariadb.restart(), killCustomers]);
        const result = await twoWay({ name: 'two-way with MariaDB', tenant, mappingId, ...sides, ...options(kills) });

        expect(result.pairs).toBeGreaterThan(0);
      },
    );

    test.concurrent(
      'of deals, edits on both sides amid kills are lost nowhere, and end in two equal sides',
      { timeout: soakTimeoutMs },
      async () => {
        const { tenant, table, mappingId } = await prepare(dealsTable);

        const sides = { customers: dealSide(table), peer: dealsTableSide(table), content: dealContent };
        const kills = inTurn([killSync, killCustomers]);
        const result = await twoWay({
          ...options(kills),
          ...{ name: 'two-way of deals', tenant, mappingId },
          ...sides,
        });

        expect(result.pairs).toBeGreaterThan(0);
      },
    );

    test.concurrent.each(typedTables)(
      'with columns of many types of %s in %s, and keys of two columns, both sides end equal by a comparison in SQL',
      { timeout: soakTimeoutMs },
      async (engine, timeZone) => {
        const { tenant, table, mappingId } = await prepare(() => typedTable(engine, timeZone));

        const content = typedContent(engine);
        const sides = { customers: typedCustomerSide(tenant, engine), peer: typedTableSide(table, timeZone) };
        const kills = inTurn([killSync, killCustomers]);
        const result = await twoWay({
          ...options(kills),
          ...{
            name: `two-way with types of ${engine} in ${timeZone}`,
            tenant,
            mappingId,
            content,
            records: typedRecords,
          },
          ...sides,
        });

        const conflicts = await tenant.conflicts(mappingId);
        const listed = new Set(conflicts.flatMap(({ customerId, recordId }) => [customerId, recordId]));
        const people = [...(await sides.customers.all()), ...(await sides.peer.all())];
        const names = new Set(people.filter(({ id }) => listed.has(id)).map(({ key }) => key));
        const found = await compareInSql(table, tenant, timeZone);
        expect(found.filter(({ name }) => !names.has(name))).toEqual([]);
        expect(result.pairs).toBeGreaterThan(0);
      },
    );
  });
}

async function addressBook() {
  const tenant = await ExchangeTenant.create(platform);
  const book = await radicale.createAddressBook(`book-${randomUUID()}`);
  const { username, password } = radicale;
  const connection = await tenant.connect('carddav', { url: book, username }, { password }, polled);
  const mappingId = await tenant.map(connection, {
    ...mapping,
    recordType: 'contact',
    fields: [
      { customerField: 'displayName', peerField: 'displayName' },
      { customerField: 'jobTitle', peerField: 'jobTitle' },
      { customerField: 'companyName', peerField: 'organization' },
      { customerField: 'emails', peerField: 'emails', transform: 'CONTACT_LIST' },
    ],
  });
  return { tenant, book, mappingId };
}

async function mariadbTable() {
  const tenant = await ExchangeTenant.create(platform);
  const database = await createMariadbDatabase(mariadb);
  await database.run(peopleTable);
  const connection = await connectTable(tenant, database, { engine: 'MARIADB', table: 'people', idColumn: 'id' });
  const mappingId = await tenant.map(connection, {
    ...mapping,
    recordType: 'people',
    fields: [
      { customerField: 'displayName', peerField: 'name' },
      { customerField: 'jobTitle', peerField: 'title' },
      { customerField: 'companyName', peerField: 'company' },
      { customerField: 'emails', peerField: 'email', transform: 'FIRST_OF_LIST' },
    ],
  });
  return { tenant, database, mappingId };
}

async function dealsTable() {
  const tenant = await ExchangeTenant.create(platform);
  const table = await DealsTable.create(tenant, {}, polled);
  return { tenant, table, mappingId: await table.map(undefined, mapping) };
}

async function typedTable(engine: Engine, timeZone: string) {
  const tenant = await ExchangeTenant.create(platform);
  const database = engine === 'MARIADB' ? await createMariadbDatabase(mariadb) : await createPostgresSchema();
  const table = { engine, run: database.run };
  await createTypedTable(table);
  await defineTypedFields(tenant, engine);
  const connection = await connectTable(tenant, database, {
    ...{ engine, timeZone, ...(engine === 'POSTGRESQL' && { schema: database.user }) },
    ...{ table: 'things', idColumns: ['branch', 'number'] },
  });
  const mappingId = await tenant.map(connection, {
    ...mapping,
    recordType: 'things',
    fields: [
      { customerField: 'displayName', peerField: 'name' },
      ...fieldsOf(engine).map(({ name }) => ({ customerField: `customFields.${name}`, peerField: name })),
    ],
  });
  return { tenant, table, mappingId };
}

/** Connects a table with the columns that an exchange in both directions needs. @param own settings of its engine and its key */
function connectTable(
  tenant: ExchangeTenant,
  { port, database, user, password }: Pick<TestDatabase, 'port' | 'database' | 'user' | 'password'>,
  own: object,
): Promise<string> {
  const place = { host: '127.0.0.1', port, database, user, tls: 'OFF' };
  const columns = { updatedColumn: 'updated_at', keyColumn: 'rapport_key', deletedColumn: 'deleted_at' };
  const config = { ...place, ...columns, versionColumn: 'version', lateCommitSeconds: 2, ...own };
  return tenant.connect('sql', config, { password }, polled);
}
