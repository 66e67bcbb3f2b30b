import { randomBytes } from 'node:crypto';
import {
  Consent,
  ConsentState,
  ContactChannel,
  LegalBasis,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { Operation_State as State, type Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import type { Caller } from '@rapport/platform';
import type pg from 'pg';
import { vi } from 'vitest';
import type { Keys } from './databases.js';
import { newCaller, person, type RunningCustomers } from './running-customers.js';
import { superuserOf } from './superuser.js';

/** A person with the mark in each personal value, different for each person. */
export function someone(mark: string): Partial<Customer> {
  const number = randomBytes(4).readUInt32BE(0) % 10_000_000;
  return person({
    displayName: `${mark}shown`,
    givenName: `${mark}given`,
    familyName: `${mark}family`,
    emails: [{ address: `${mark}mail@example.com` }],
    phones: [{ number: `+4930${String(number).padStart(8, '1')}` }],
    addresses: [{ street: `${mark}street 1`, city: 'Berlin' }],
  });
}

/** Search values of a customer, in lower case. */
export function personalValues({ emails = [], phones = [], addresses = [], ...names }: Partial<Customer>): string[] {
  const { displayName = '', givenName = '', familyName = '' } = names;
  return [
    ...[displayName, givenName, familyName, ...emails.map(({ address }) => address)],
    ...[...phones.map(({ number }) => number.slice(1)), ...addresses.map(({ street = '' }) => street)],
  ]
    .filter((value) => value !== '')
    .map((value) => value.toLowerCase());
}

/** A tenant of a service with keys. */
export class EncryptedTenant {
  constructor(
    readonly customers: RunningCustomers,
    readonly caller: Caller = newCaller(),
  ) {}

  /** Enables encryption and waits until all data is encrypted. */
  async encrypt(): Promise<Operation> {
    const { id } = await this.customers.call('encryptPersonalData', {}, this.caller);
    return this.untilEnded(id);
  }

  async untilEnded(id: string): Promise<Operation> {
    const get = () => this.customers.call('getOperation', { id }, this.caller);
    const hasEnded = async () => (await get()).state !== State.RUNNING;
    await vi.waitUntil(hasEnded, { timeout: 60_000, interval: 50 });
    return get();
  }

  create(customer: Partial<Customer>, requestId?: string): Promise<Customer> {
    return this.customers.create(this.caller, customer, requestId);
  }

  async consent(customerId: string, evidence: string, state = ConsentState.GIVEN): Promise<Consent> {
    const consent = {
      ...Consent.decode(new Uint8Array()),
      ...{ purpose: 'news', channel: ContactChannel.EMAIL, state, legalBasis: LegalBasis.CONSENT },
      ...{ source: 'form', evidence },
    };
    return this.customers.call('createConsent', { customerId, consent }, this.caller);
  }

  /** Ids of the customers that a filter finds. */
  async find(filter: string): Promise<string[]> {
    const { customers } = await this.customers.call('listCustomers', { filter }, this.caller);
    return customers.map(({ id }) => id);
  }

  erase(id: string) {
    return this.customers.call('eraseCustomer', { id, erasure: { reason: 'case 4711' } }, this.caller);
  }
}

/** The whole content of the databases as lower-case text, as `COPY` and a dump contain it. */
export async function everythingIn(urls: readonly string[]): Promise<string> {
  const parts = await inTables(urls, async (client, name) => {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
    return rows.map(({ row }) => row.toLowerCase());
  });
  return parts.flat().join('\n');
}

/** How many rows each table of the databases has, without those that have none. */
export async function rowCounts(urls: readonly string[]): Promise<Record<string, number>> {
  const counts = await inTables(urls, async (client, name) => {
    const { rows } = await client.query<{ count: number }>(`select count(*)::int as count from ${name}`);
    return [name, rows[0]?.count ?? 0] as const;
  });
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

async function inTables<Result>(
  urls: readonly string[],
  read: (client: pg.Client, table: string) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const url of urls) {
    const client = await superuserOf(url);
    // Most tables are empty: without a page there is no row to read.
    const { rows: tables } = await client.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relkind = 'r'
         and pg_relation_size(c.oid) > 0`,
    );
    for (const { name } of tables) results.push(await read(client, name));
    await client.end();
  }
  return results;
}

/** The values that a text contains, as text or, like `bytea`, in hexadecimal. */
export function valuesIn(text: string, values: readonly string[]): string[] {
  return values.filter((value) => text.includes(value) || text.includes(Buffer.from(value).toString('hex')));
}

/** Keys in an unreachable database. */
export function unreachable(keys: Keys): Keys {
  const url = new URL(keys.databaseUrl);
  url.port = '1';
  return { ...keys, databaseUrl: url.href };
}
