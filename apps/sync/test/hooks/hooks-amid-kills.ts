import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { expect, test, vi } from 'vitest';
import { HookedTable, type HookAnswer, type Message } from './hooked-table.ts';

const hooks = sizeOf('HOOKS', { short: 20, long: 10_000 });
const kills = sizeOf('KILLS', { short: 1, long: 10 });

/** Seven of ten are different ones, two for each row; the others are sent again, every second of them at the same time. */
const rowCount = Math.round(hooks * 0.35);
const isSentTwice = (place: number) => (place * 3) % 7 < 3;
const senders = 16;

/** @param current gives the platform whose sync is killed */
export function declareHooksAmidKills(current: () => Platform): void {
  const name = `${hooks} webhooks amid ${kills} kills of sync are each handled once in effect`;
  test(name, { timeout: soakTimeoutMs }, async () => {
    const platform = current();
    const table = await HookedTable.create(platform);
    await table.map();
    const sender = new Sender(table, platform.logDir);
    const sending = sender.sendAll();

    for (let kill = 1; kill <= kills; kill++) {
      const taken = expect.poll(() => sender.taken, { timeout: soakTimeoutMs });
      // A sender that fails is not waited for.
      await Promise.race([sending, taken.toBeGreaterThanOrEqual((hooks * kill) / (kills + 1))]);
      sender.note('sync is killed');
      await platform.services.sync.kill();
      await table.tenant.endHeartbeats();
      await platform.services.sync.start();
      sender.note('sync is ready');
    }
    await sending;
    expect(sender.odd, sender.notes.join('\n')).toEqual([]);
    const ledger = await table.untilHandled(soakTimeoutMs);

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
    printTally('hooks-kill', { hooks, ids: sender.ids.size, tries: sender.tries, kills });
  });
}

/** The application beside the table: it changes rows, tells of it, and tries again what was not taken. */
class Sender {
  readonly ids = new Set<string>();
  /** Webhooks that were taken, those that were sent twice both times. */
  taken = 0;
  tries = 0;
  /** Answers that there should not be, each with what the processes wrote into their logs meanwhile. */
  readonly odd: object[] = [];
  /** What was done to sync, and when. */
  readonly notes: string[] = [];
  readonly #table: HookedTable;
  readonly #logDir: string;

  constructor(table: HookedTable, logDir: string) {
    this.#table = table;
    this.#logDir = logDir;
  }

  note(what: string): void {
    this.notes.push(`${new Date().toISOString()} ${what}`);
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
    const isTaken = async () => {
      this.tries += 1;
      const begin = new Date().toISOString();
      const answer = await this.#table.post(message, this.#table.signed(message));
      if (answer.status === 202) return true;
      // While sync is away.
      if (answer.status !== 503) this.odd.push(await describe(answer, begin, this.#logDir));
      expect(this.odd.length, this.notes.join('\n')).toBeLessThan(10);
      return false;
    };
    await vi.waitUntil(isTaken, { timeout: soakTimeoutMs, interval: 300 });
    this.taken += 1;
  }
}

/** An answer with what the processes wrote into their logs from its request on. */
async function describe({ status, body }: HookAnswer, begin: string, logDir: string): Promise<object> {
  const end = new Date().toISOString();
  const lines = async (name: string) => {
    const text = await readFile(join(logDir, `${name}.log`), 'utf8');
    const timed = text.split('\n').filter((line) => {
      const [, time = ''] = /"time":"([^"]*)"/.exec(line) ?? [];
      return time >= begin && time <= end && !/"status":20\d/.test(line);
    });
    return timed.slice(-20);
  };
  return { begin, end, status, body, edge: await lines('edge'), sync: await lines('sync') };
}
