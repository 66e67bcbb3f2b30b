import { setTimeout as delay } from 'node:timers/promises';
import { isSoak, printTally, queryDatabase, sizeOf, soakTimeoutMs } from '@rapport/testing';
import pg from 'pg';
import { v7 } from 'uuid';
import { expect, test, vi } from 'vitest';
import { newCaller, person, sharedCustomers, type SharedCustomers } from './running-customers.js';

/** Changes per second, one rate after the other. */
const rates = isSoak ? [500, 1_000, 1_500, 2_000] : [2_000];
const seconds = sizeOf('RATE_SECONDS', { short: 1, long: 60 });
/** Calls per second beside them: as many as make bulk work rest the longest. */
const callsPerSecond = sizeOf('RATE_CALLS', { short: 130, long: 130 });
const callers = 8;
const tenants = 20;
const writers = 4;
/** Rows of one transaction, like those of a request that changes a few records. */
const rowsOfEach = 10;
/** The lag must be below a second within a minute after the load. */
const mostLagSeconds = 1;
const calmMs = 60_000;

interface Waiting {
  waiting: number;
  oldest: number;
}

/**
 * The service can't create 2,000 records a second on two processors that the load uses as well. So SQL inserts them, and the triggers
 * of the table write the changes, as they do for a call.
 */
test(
  'changes that come faster than they get positions are late only as long as they come',
  { timeout: soakTimeoutMs },
  async () => {
    const customers = await sharedCustomers();
    for (const rate of rates) {
      const [began, calls] = [performance.now(), new AbortController()];
      const calling = call(customers, calls.signal);
      const [written, peak] = await Promise.all([writeAt(rate, customers), watch(customers, began)]);
      const wroteSeconds = (performance.now() - began) / 1_000;
      const left = await waitingOf(customers);
      const quiet = performance.now();
      // The calls go on, and are no reason to be late.
      const isCalm = async () => (await waitingOf(customers)).oldest < mostLagSeconds;
      await vi.waitUntil(isCalm, { timeout: calmMs, interval: 50 });
      const calmAfterMs = Math.round(performance.now() - quiet);
      calls.abort();
      printTally('sequencer-rate', {
        rate,
        'written/s': Math.round(written / wroteSeconds),
        'sequenced/s': Math.round((written - left.waiting) / wroteSeconds),
        ...{ mostWaiting: peak.waiting, mostLagSeconds: peak.oldest, leftAtEnd: left.waiting, calmAfterMs },
        'calls/s': Math.round((await calling) / ((performance.now() - began) / 1_000)),
      });
    }
  },
);

/** Inserts customers of many tenants at a rate, in transactions of a few. @returns how many */
async function writeAt(rate: number, { urls }: SharedCustomers): Promise<number> {
  const pool = new pg.Pool({ connectionString: urls.appUrl, max: writers });
  const ids = Array.from({ length: tenants }, () => v7());
  const total = rate * seconds;
  const began = performance.now();
  let written = 0;
  const write = async () => {
    while (written < total) {
      const aheadMs = began + (written / rate) * 1_000 - performance.now();
      const tenantId = ids[(written / rowsOfEach) % tenants];
      written += rowsOfEach;
      // Paces the load.
      if (aheadMs > 1) await delay(aheadMs);
      await pool.query({ name: 'insert', text: inserted, values: [tenantId, rowsOfEach] });
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  await pool.end();
  return written;
}

const inserted = `
  insert into customer (tenant_id, id, kind, display_name, emails, phones, addresses, external_ids, domains, tags,
    search_text, sort_name, version, create_time, update_time, created_by, updated_by)
  select tenant_id::uuid, uuidv7(), 'PERSON', 'Ada Lovelace', '[]', '[]', '[]', '[]', '{}', '{}', 'ada lovelace',
    'ada lovelace', 1, now(), now(), 'test', 'test'
  from set_config('app.tenant_id', $1, true) tenant_id, generate_series(1, $2)`;

/** Reads at a rate until it is aborted. @returns how many calls */
async function call(customers: SharedCustomers, signal: AbortSignal): Promise<number> {
  const caller = newCaller();
  const { id } = await customers.create(caller, person());
  const began = performance.now();
  let count = 0;
  const read = async () => {
    while (!signal.aborted) {
      const aheadMs = began + (count / callsPerSecond) * 1_000 - performance.now();
      count += 1;
      // Paces the load.
      if (aheadMs > 1) await delay(aheadMs);
      await customers.call('getCustomer', { id }, caller);
    }
  };
  await Promise.all(Array.from({ length: callers }, read));
  return count;
}

/** The most that waited at a time until the end of the load. */
async function watch(customers: SharedCustomers, began: number): Promise<Waiting> {
  const peak = { waiting: 0, oldest: 0 };
  while (performance.now() - began < seconds * 1_000) {
    const { waiting, oldest } = await waitingOf(customers);
    peak.waiting = Math.max(peak.waiting, waiting);
    peak.oldest = Math.max(peak.oldest, oldest);
    // A look at a long queue costs as much as the work on it.
    await delay(500);
  }
  return peak;
}

async function waitingOf({ urls }: SharedCustomers): Promise<Waiting> {
  const [row] = await queryDatabase<Waiting>(
    urls.appUrl,
    'select waiting::int, round(oldest_seconds::numeric, 3)::float as oldest from outbox_waiting()',
  );
  expect(row).toBeDefined();
  return row!;
}
