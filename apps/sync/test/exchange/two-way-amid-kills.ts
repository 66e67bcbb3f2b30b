import { randomUUID } from 'node:crypto';
import { drawnBy, isSoak, printedSeed, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
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

/** Started for the first test that exchanges with them. They are killed too. */
const peers: { radicale?: Promise<Radicale>; mariadb?: Promise<Mariadb> } = {};

/** Edits of the peer are found by looking for them. */
const polled = { pollSeconds: 1 };
const mapping = { policy: 'MANUAL', maxDeletes: 100_000 };

/** What is exchanged, and what is killed meanwhile. */
interface Exchange extends Pick<TwoWayOptions, 'tenant' | 'mappingId' | 'customers' | 'peer' | 'content' | 'kills'> {
  records?: number;
  /** What else holds at the end. */
  check?: (sides: Pick<TwoWayOptions, 'customers' | 'peer'>) => Promise<void>;
}

/** What is the same with every peer. */
function options(kills: (() => Promise<void>)[]): Pick<TwoWayOptions, 'seed' | 'goesOn' | 'kills' | 'editsPerKill'> {
  let endMs: number | undefined;
  // The short form kills one process, which the seed selects.
  const first = seed % kills.length;
  return {
    seed,
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

const exchanges: [name: string, prepare: () => Promise<Exchange>][] = [
  ['with Radicale', addressBook],
  ['with MariaDB', mariadbTable],
  ['of deals', dealsTable],
  ...typedTables.map(([engine, zone]): [string, () => Promise<Exchange>] => [
    `with columns of many types of ${engine} in ${zone}, and keys of two columns`,
    () => typedTable(engine, zone),
  ]),
];

/** One of them by the seed, and all in the long form. Without kills, tests that always run exchange with each peer. */
const drawn = isSoak ? exchanges : drawnBy(seed, exchanges, 1);

/** Tests that have yet to set up what they need, in which a kill would fail their calls. */
let unprepared = drawn.length;
const allPrepared = Promise.withResolvers<void>();

async function prepared(setUp: () => Promise<Exchange>): Promise<Exchange> {
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

function startedRadicale(): Promise<Radicale> {
  return (peers.radicale ??= startRadicale());
}

function startedMariadb(): Promise<Mariadb> {
  return (peers.mariadb ??= startMariadb());
}

/** @param current gives the platform whose sync and customers are killed */
export function declareTwoWayAmidKills(current: () => Platform): void {
  describe('two ways at once', () => {
    beforeAll(() => {
      platform = current();
    });
    afterAll(async () => {
      await Promise.all([peers.radicale, peers.mariadb].map(async (peer) => (await peer)?.stop()));
    });

    test.concurrent.each(drawn)(
      '%s, edits on both sides amid kills are lost nowhere, and end in two equal sides',
      { timeout: soakTimeoutMs },
      async (name, prepare) => {
        const { check, kills, ...exchange } = await prepared(prepare);

        const result = await twoWay({ name: `two-way ${name}`, records, ...exchange, ...options(inTurn(kills)) });

        expect(result.pairs).toBeGreaterThan(0);
        await check?.(exchange);
      },
    );
  });
}

async function addressBook(): Promise<Exchange> {
  const [tenant, radicale] = [await ExchangeTenant.create(platform), await startedRadicale()];
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
  const sides = { customers: customerSide(tenant), peer: cardSide(radicale, book) };
  return { tenant, mappingId, ...sides, kills: [killSync, () => radicale.restart(), killCustomers] };
}

async function mariadbTable(): Promise<Exchange> {
  const [tenant, mariadb] = [await ExchangeTenant.create(platform), await startedMariadb()];
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
  const sides = { customers: customerSide(tenant), peer: tableSide(database) };
  return { tenant, mappingId, ...sides, kills: [killSync, () => mariadb.restart(), killCustomers] };
}

async function dealsTable(): Promise<Exchange> {
  const tenant = await ExchangeTenant.create(platform);
  const table = await DealsTable.create(tenant, {}, polled);
  const mappingId = await table.map(undefined, mapping);
  const sides = { customers: dealSide(table), peer: dealsTableSide(table), content: dealContent };
  return { tenant, mappingId, ...sides, kills: [killSync, killCustomers] };
}

/** In the end, a comparison in SQL finds both sides equal but for what is listed. */
async function typedTable(engine: Engine, timeZone: string): Promise<Exchange> {
  const tenant = await ExchangeTenant.create(platform);
  const database =
    engine === 'MARIADB' ? await createMariadbDatabase(await startedMariadb()) : await createPostgresSchema();
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
  const check: Exchange['check'] = async ({ customers, peer }) => {
    const conflicts = await tenant.conflicts(mappingId);
    const listed = new Set(conflicts.flatMap(({ customerId, recordId }) => [customerId, recordId]));
    const people = [...(await customers.all()), ...(await peer.all())];
    const names = new Set(people.filter(({ id }) => listed.has(id)).map(({ key }) => key));
    const found = await compareInSql(table, tenant, timeZone);
    expect(found.filter(({ name }) => !names.has(name))).toEqual([]);
  };
  return {
    ...{ tenant, mappingId, content: typedContent(engine), records: typedRecords, check },
    ...{ customers: typedCustomerSide(tenant, engine), peer: typedTableSide(table, timeZone) },
    kills: [killSync, killCustomers],
  };
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
