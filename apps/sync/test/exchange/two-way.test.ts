import { randomInt, randomUUID } from 'node:crypto';
import type { Platform } from '@rapport/testing';
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

/** Of the long form: TWO_WAY_SECONDS=300 TWO_WAY_RECORDS=2000. A seed that was printed is played again by TWO_WAY_SEED. */
const { TWO_WAY_SECONDS, TWO_WAY_RECORDS = '200', TWO_WAY_SEED, TWO_WAY_EDITS = '240' } = process.env;
const timeout = TWO_WAY_SECONDS === undefined ? 600_000 : 7_200_000;

let platform: Platform;
let radicale: Radicale;
let mariadb: Mariadb;

beforeAll(async () => {
  [platform, radicale, mariadb] = await Promise.all([startSyncPlatform(), startRadicale(), startMariadb()]);
}, 600_000);
afterAll(async () => {
  await platform.stop();
  await Promise.all([radicale.stop(), mariadb.stop()]);
});

const mapping = { policy: 'MANUAL', maxDeletes: 100_000 };

/** What is the same with either peer. */
function options(kills: (() => Promise<void>)[]): Omit<TwoWayOptions, 'tenant' | 'mappingId' | 'customers' | 'peer'> {
  const isShort = TWO_WAY_SECONDS === undefined;
  let endMs: number | undefined;
  return {
    seed: TWO_WAY_SEED === undefined ? randomInt(1_000_000) : Number(TWO_WAY_SEED),
    records: Number(TWO_WAY_RECORDS),
    goesOn: (edits) => {
      if (isShort) return edits < Number(TWO_WAY_EDITS);
      endMs ??= Date.now() + Number(TWO_WAY_SECONDS) * 1_000;
      return Date.now() < endMs;
    },
    kills,
    editsPerKill: isShort ? 60 : 400,
    settleMs: isShort ? 300_000 : 3_600_000,
  };
}

async function killSync(): Promise<void> {
  await platform.services.sync.kill();
  await platform.services.sync.start();
}

async function killCustomers(): Promise<void> {
  await platform.services.customers.kill();
  await platform.services.customers.start();
}

test(
  'with Radicale, edits on both sides amid kills are lost nowhere, and end in two equal sides',
  { timeout },
  async () => {
    const tenant = await ExchangeTenant.create(platform);
    const book = await radicale.createAddressBook(`book-${randomUUID()}`);
    const { username, password } = radicale;
    const connection = await tenant.connect('carddav', { url: book, username }, { password });
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
    const kills = [killSync, () => radicale.restart(), killCustomers];
    const result = await twoWay({ tenant, mappingId, ...sides, ...options(kills) });

    expect(result.pairs).toBeGreaterThan(0);
  },
);

test(
  'with MariaDB, edits on both sides amid kills are lost nowhere, and end in two equal sides',
  { timeout },
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
    const kills = [killSync, () => mariadb.restart(), killCustomers];
    const result = await twoWay({ tenant, mappingId, ...sides, ...options(kills) });

    expect(result.pairs).toBeGreaterThan(0);
  },
);
