import { randomUUID } from 'node:crypto';
import { printedSeed, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMariadb, type Mariadb } from '../connectors/peers/mariadb.ts';
import { startRadicale, type Radicale } from '../connectors/peers/radicale.ts';
import { createMariadbDatabase } from '../connectors/sql-databases.ts';
import { startSyncPlatform } from '../sync-platform.ts';
import { ExchangeTenant } from './exchange-tenant.ts';
import { cardSide } from './two-way/card-side.ts';
import { customerSide } from './two-way/customer-side.ts';
import { peopleTable, tableSide } from './two-way/table-side.ts';
import { twoWay, type TwoWayOptions } from './two-way/two-way.ts';

const records = sizeOf('TWO_WAY_RECORDS', { short: 40, long: 2_000 });
/** How long both sides are edited; 0 to make as many edits as TWO_WAY_EDITS says. */
const seconds = sizeOf('TWO_WAY_SECONDS', { short: 0, long: 300 });
const edits = sizeOf('TWO_WAY_EDITS', { short: 80, long: 0 });
const editsPerKill = sizeOf('TWO_WAY_EDITS_PER_KILL', { short: 30, long: 400 });

let platform: Platform;
let radicale: Radicale;
let mariadb: Mariadb;

beforeAll(async () => {
  // Its sync and its customers are killed, and so are the peers.
  [platform, radicale, mariadb] = await Promise.all([startSyncPlatform(), startRadicale(), startMariadb()]);
}, 600_000);
afterAll(async () => {
  await platform.stop();
  await Promise.all([radicale.stop(), mariadb.stop()]);
});

/** Edits of the peer are found by looking for them. */
const polled = { pollSeconds: 1 };
const mapping = { policy: 'MANUAL', maxDeletes: 100_000 };

/** What is the same with either peer. */
function options(
  kills: (() => Promise<void>)[],
): Omit<TwoWayOptions, 'name' | 'tenant' | 'mappingId' | 'customers' | 'peer'> {
  let endMs: number | undefined;
  return {
    seed: printedSeed('two-way'),
    records,
    goesOn: (made) => {
      if (seconds === 0) return made < edits;
      endMs ??= Date.now() + seconds * 1_000;
      return Date.now() < endMs;
    },
    kills,
    editsPerKill,
  };
}

let killing = Promise.resolve();

/** One after the other: both tests kill what they share. */
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

test.concurrent(
  'with Radicale, edits on both sides amid kills are lost nowhere, and end in two equal sides',
  { timeout: soakTimeoutMs },
  async () => {
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
    const tenant = await ExchangeTenant.create(platform);
    const database = await createMariadbDatabase(mariadb);
    await database.run(peopleTable);
    const { port, user, password } = database;
    const connection = await tenant.connect(
      'sql',
      {
        ...{
          engine: 'MARIADB',
          host: '127.0.0.1',
          port,
          database: database.database,
          user,
          tls: 'OFF',
          table: 'people',
        },
        ...{ idColumn: 'id', updatedColumn: 'updated_at', keyColumn: 'rapport_key', deletedColumn: 'deleted_at' },
        ...{ versionColumn: 'version', lateCommitSeconds: 2 },
      },
      { password },
      polled,
    );
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
    const kills = inTurn([killSync, () => mariadb.restart(), killCustomers]);
    const result = await twoWay({ name: 'two-way with MariaDB', tenant, mappingId, ...sides, ...options(kills) });

    expect(result.pairs).toBeGreaterThan(0);
  },
);
