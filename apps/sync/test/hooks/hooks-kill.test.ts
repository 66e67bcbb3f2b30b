import { setTimeout as delay } from 'node:timers/promises';
import type { Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSyncPlatform } from '../sync-platform.ts';
import { HookedTable, type Message } from './hooked-table.ts';

/** Of the long form: HOOKS=10000 KILLS=10. */
const hooks = Number(process.env['HOOKS'] ?? '1000');
const kills = Number(process.env['KILLS'] ?? '3');

/** Seven of ten are different ones, two for each row; the others are sent again, every second of them at the same time. */
const rowCount = Math.round(hooks * 0.35);
const isSentTwice = (place: number) => (place * 3) % 7 < 3;
const senders = 16;

let platform: Platform;

beforeAll(async () => {
  platform = await startSyncPlatform();
}, 120_000);
afterAll(async () => platform.stop());

test(
  `${hooks} webhooks amid ${kills} kills of sync are each handled once in effect`,
  { timeout: 3_600_000 },
  async () => {
    const table = await HookedTable.create(platform);
    await table.map();
    const begin = performance.now();
    const sender = new Sender(table);
    const sending = sender.sendAll();

    for (let kill = 1; kill <= kills; kill++) {
      const taken = expect.poll(() => sender.taken, { timeout: 600_000 });
      // A sender that fails is not waited for.
      await Promise.race([sending, taken.toBeGreaterThanOrEqual((hooks * kill) / (kills + 1))]);
      await platform.services.sync.kill();
      await platform.services.sync.start();
    }
    await sending;
    const seconds = (since: number) => Math.round((performance.now() - since) / 100) / 10;
    const sentAfter = seconds(begin);
    const ledger = await table.untilHandled(1_800_000);
    const handledAfter = seconds(begin);

    expect(ledger.map(({ messageId }) => messageId).toSorted()).toEqual([...sender.ids].toSorted());
    const { comparison } = await table.tenant.untilEqual(table.mapping, rowCount + 1);
    expect(comparison).toMatchObject({ differing: 0, onlyCustomers: 0, onlyRecords: 0, conflicting: 0 });
    const customers = [...(await table.tenant.customers()).values()];
    const byName = ([left]: unknown[], [right]: unknown[]) => String(left).localeCompare(String(right));
    expect(customers.map(({ displayName, jobTitle }) => [displayName, jobTitle]).toSorted(byName)).toEqual(
      (await table.rows()).toSorted(byName),
    );
    // Once created, and changed at most once more.
    expect(customers.filter(({ etag }) => !['"1"', '"2"'].includes(etag))).toEqual([]);
    const figures = { hooks, ids: sender.ids.size, tries: sender.tries, kills, sentAfter, handledAfter };
    process.stdout.write(`${JSON.stringify(figures)}\n`);
  },
);

/** The application beside the table: it changes rows, tells of it, and tries again what was not taken. */
class Sender {
  readonly ids = new Set<string>();
  /** Webhooks that were taken, those that were sent twice both times. */
  taken = 0;
  tries = 0;
  readonly #table: HookedTable;

  constructor(table: HookedTable) {
    this.#table = table;
  }

  async sendAll(): Promise<void> {
    let next = 0;
    const send = async () => {
      for (let row = next++; row < rowCount; row = next++) await this.#changeRow(row);
    };
    await Promise.all(Array.from({ length: senders }, send));
  }

  async #changeRow(row: number): Promise<void> {
    const id = await this.#table.insert(`Person ${row}`, 'new');
    await this.#tell(this.#table.about(id), row * 2);
    await this.#table.retitle(id, `Title ${row}`);
    await this.#tell(this.#table.about(id), row * 2 + 1);
  }

  async #tell(message: Message, place: number): Promise<void> {
    this.ids.add(message.id);
    const first = this.#send(message);
    if (place % 2 === 0) await first;
    if (isSentTwice(place)) await this.#send(message);
    await first;
  }

  async #send(message: Message): Promise<void> {
    for (;;) {
      this.tries += 1;
      const { status, body } = await this.#table.post(message, this.#table.signed(message));
      if (status === 202) break;
      expect({ ...body, status }, 'while sync is away').toMatchObject({ status: 503 });
      await delay(100);
    }
    this.taken += 1;
  }
}
