import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createProblem } from '@rapport/contracts';
import { runMigrations } from '@rapport/persistence';
import { metrics, type AppError, type Caller } from '@rapport/platform';
import {
  isSoak,
  printTally,
  provisionDatabase,
  queryDatabase,
  sizeOf,
  soakTimeoutMs,
  startEmbeddedPostgres,
} from '@rapport/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { entities } from '../src/database.js';
import { migrations } from '../src/migrations.js';
import { newDatabase } from './databases.js';
import { newCaller, person, RunningCustomers } from './running-customers.js';
import { mayMount, SmallVolume } from './small-volume.js';

const fillings = sizeOf('FILLINGS', { short: 1, long: 20 });
const writers = sizeOf('FULL_WRITERS', { short: 4, long: 8 });
const readers = sizeOf('FULL_READERS', { short: 2, long: 4 });
/** Writes of each writer that are acknowledged before and after each filling, and refused during it. */
const writesOfEach = sizeOf('FULL_WRITES', { short: 5, long: 50 });
/** A pause of a client between two calls, in milliseconds. */
const pauseMs = 10;

/** What clients do with a service whose volume is full at times. */
class Work {
  readonly acknowledged: string[] = [];
  readonly refused = new Map<string, number>();
  reads = 0;
  isOver = false;
  #all: Promise<void>[] = [];

  private constructor(
    private readonly customers: RunningCustomers,
    readonly caller: Caller,
    private readonly first: string,
    private readonly cursor: string,
    private readonly allowed: { writes: string[]; reads: string[] },
  ) {}

  /** @param allowed reasons of errors that writes and reads may get; all others end the test */
  static async start(customers: RunningCustomers, allowed: { writes: string[]; reads: string[] }): Promise<Work> {
    const caller = newCaller();
    const { nextCursor } = await customers.call('listChanges', {}, caller);
    const { id } = await customers.create(caller, person());
    const work = new Work(customers, caller, id, nextCursor, allowed);
    work.acknowledged.push(id);
    work.#all = [
      ...Array.from({ length: writers }, () => work.#write()),
      ...Array.from({ length: readers }, () => work.#read()),
    ];
    return work;
  }

  /** Resolves when `count` has grown by `more`. */
  reached(count: () => number, more: number): Promise<unknown> {
    const wanted = count() + more;
    const failed = new Promise<never>((_, reject) => {
      for (const one of this.#all) one.catch(reject);
    });
    return Promise.race([failed, vi.waitUntil(() => count() >= wanted, { timeout: 120_000 })]);
  }

  get refusals(): number {
    return [...this.refused.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Ends it, and expects each acknowledged write once in the database and once in the log. */
  async endAndCompare(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.#all);
    const logged = await this.#logged();
    expect(logged.toSorted()).toEqual(this.acknowledged.toSorted());
    for (let start = 0; start < logged.length; start += 100) {
      const request = { ids: logged.slice(start, start + 100) };
      expect((await this.customers.call('batchGetCustomers', request, this.caller)).missingIds).toEqual([]);
    }
  }

  /** Writes with keys, as a client that tries again. */
  async #write(): Promise<void> {
    while (!this.isOver) {
      const key = crypto.randomUUID();
      for (;;) {
        try {
          const { id } = await this.customers.create(this.caller, person(), key);
          this.acknowledged.push(id);
          break;
        } catch (error) {
          this.#note(error as AppError, this.allowed.writes);
        }
        // Paces the load.
        await delay(pauseMs);
      }
    }
  }

  /** Reads one customer, a list and the change log again and again. */
  async #read(): Promise<void> {
    while (!this.isOver) {
      try {
        await this.customers.get(this.caller, this.first);
        await this.customers.names(this.caller, { pageSize: 5 });
        await this.customers.call('listChanges', {}, this.caller);
        this.reads += 3;
      } catch (error) {
        this.#note(error as AppError, this.allowed.reads);
      }
      // Paces the load.
      await delay(pauseMs);
    }
  }

  #note(error: AppError, allowed: string[]): void {
    if (!allowed.includes(error.reason)) throw error;
    if (error.reason === 'STORAGE_FULL')
      expect(createProblem(error, [])).toMatchObject({ status: 507, retryAfterSeconds: 30 });
    this.refused.set(error.reason, (this.refused.get(error.reason) ?? 0) + 1);
  }

  /** Ids of the records whose changes are in the log, once all are. */
  async #logged(): Promise<string[]> {
    const ids: string[] = [];
    let cursor = this.cursor;
    await vi.waitUntil(
      async () => {
        const { changes, nextCursor } = await this.customers.call('listChanges', { cursor }, this.caller);
        ids.push(...changes.map(({ recordId }) => recordId));
        cursor = nextCursor;
        return changes.length === 0 && ids.length >= this.acknowledged.length;
      },
      { timeout: 60_000, interval: 10 },
    );
    return ids;
  }
}

// Mounting a volume takes the rights of root. The WAL is on another volume, as in the clusters of Kubernetes.
test.skipIf(!mayMount)(
  'while the volume of the data is full, writes answer 507 and reads go on; nothing acknowledged is lost',
  { timeout: soakTimeoutMs },
  async () => {
    const { volume, customers } = await startOnSmallVolume();
    const work = await Work.start(customers, { writes: ['STORAGE_FULL'], reads: [] });
    const refusedBefore = await refusedStatements();

    let readsWhileFull = 0;
    for (let filling = 1; filling <= fillings; filling += 1) {
      await work.reached(() => work.acknowledged.length, writers * writesOfEach);
      await volume.fill();
      // Pages that exist already take a few more rows.
      await work.reached(() => work.refusals, writers * writesOfEach);
      const { reads } = work;
      await Promise.all([
        work.reached(() => work.refusals, writers * writesOfEach),
        work.reached(() => work.reads, readers * writesOfEach),
      ]);
      readsWhileFull += work.reads - reads;
      await volume.free();
    }
    await work.reached(() => work.acknowledged.length, writers * writesOfEach);
    await work.endAndCompare();

    expect(await refusedStatements()).toBeGreaterThan(refusedBefore);
    printTally('full-volume', {
      ...{ fillings, writers, readers, acknowledged: work.acknowledged.length, reads: work.reads, readsWhileFull },
      ...Object.fromEntries(work.refused),
    });
  },
);

// Takes a server of its own, so it is a part of the long form only.
if (isSoak)
  test.skipIf(!mayMount)(
    'a server that ends because the volume of its WAL is full loses nothing acknowledged',
    { timeout: soakTimeoutMs },
    async () => {
      const volume = await SmallVolume.mount(sizeOf('FULL_WAL_SIZE_MIB', { short: 512, long: 512 }));
      let hasEnded = false;
      const server = await startEmbeddedPostgres({
        dataDir: join(volume.folder, 'server'),
        onUnexpectedExit: () => (hasEnded = true),
      });
      const urls = await provisionDatabase(server.superuserUrl, 'customers');
      await runMigrations({ databaseUrl: urls.ownerUrl, entities, migrations });
      const customers = await RunningCustomers.start({ databases: urls });
      onTestFinished(async () => {
        await customers.stop();
        await server.stop();
        await volume.unmount();
      });
      const allowed = ['STORAGE_FULL', 'DATABASE_UNAVAILABLE', 'IDEMPOTENCY_KEY_IN_USE', 'TOO_MANY_CONCURRENT'];
      const work = await Work.start(customers, {
        writes: allowed,
        reads: ['DATABASE_UNAVAILABLE', 'TOO_MANY_CONCURRENT'],
      });

      let ends = 0;
      for (let filling = 1; filling <= Math.min(fillings, 5); filling += 1) {
        await work.reached(() => work.acknowledged.length, writers * writesOfEach);
        await volume.fill();
        await endServer(server.superuserUrl, () => hasEnded);
        await work.reached(() => work.refused.get('DATABASE_UNAVAILABLE') ?? 0, writers);
        await volume.free();
        ends += 1;
        hasEnded = false;
        await server.start();
      }
      await work.reached(() => work.acknowledged.length, writers * writesOfEach);
      await work.endAndCompare();

      printTally('full-wal', { ends, acknowledged: work.acknowledged.length, ...Object.fromEntries(work.refused) });
    },
  );

/** A service with a database of its own, on a volume that has room for it and for the rows of the test. */
async function startOnSmallVolume(): Promise<{ volume: SmallVolume; customers: RunningCustomers }> {
  const server = inject('superuserUrl');
  const [{ pid } = { pid: 0 }] = await queryDatabase<{ pid: number }>(
    server,
    `select pid from pg_stat_activity where backend_type = 'checkpointer'`,
  );
  const volume = await SmallVolume.mount(sizeOf('FULL_SIZE_MIB', { short: 96, long: 256 }), await stat(`/proc/${pid}`));
  const urls = await newDatabase();
  const name = new URL(urls.ownerUrl).pathname.slice(1);
  await queryDatabase(server, `create tablespace small_volume location '${volume.folder}'`);
  await queryDatabase(server, `alter database ${name} set tablespace small_volume`);
  const customers = await RunningCustomers.start({ databases: urls });
  onTestFinished(async () => {
    await customers.stop();
    await queryDatabase(server, `drop database ${name} with (force)`);
    await queryDatabase(server, 'drop tablespace small_volume');
    await volume.unmount();
  });
  return { volume, customers };
}

/** Begins new files of the WAL until there is room for none and the server has ended, some time after its connections. */
async function endServer(superuserUrl: string, hasEnded: () => boolean): Promise<void> {
  const sql = `select pg_logical_emit_message(true, 'test', 'x'), pg_switch_wal()`;
  const isEnded = async () => {
    // Refused once there is no room.
    await Promise.allSettled([queryDatabase(superuserUrl, sql)]);
    return hasEnded();
  };
  await vi.waitUntil(isEnded, { timeout: 60_000, interval: 10 });
}

async function refusedStatements(): Promise<number> {
  const values = (await metrics.getSingleMetric('rapport_storage_full_total')?.get())?.values ?? [];
  return values.reduce((sum, { value }) => sum + value, 0);
}
