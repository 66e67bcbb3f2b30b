import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { printTally, sizeOf, soakTimeoutMs, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { peakMemory } from './peak-memory.ts';
import { Receiver } from './receiver.ts';
import { WebhookTenant } from './sync-platform.ts';

/** Each has a change of 1.6 MB. In the long form that is ten times what one message between services may have, which is 64 MiB. */
const customerCount = sizeOf('LARGE_CHANGES', { short: 4, long: 400 });

/** What a pod of customers may take (`resources.limits.memory` of k8s/base), and four fifths of what one of sync may. */
const maxMemory = { sync: 614 * 1024 * 1024, customers: 512 * 1024 * 1024 };

let platform: Platform;
let receiver: Receiver;
let counting: CountingReceiver;
let rich: WebhookTenant;
let calm: WebhookTenant;

/** @param current gives a platform whose sync has done nothing but read a large table */
export function declareLargeChanges(current: () => Platform): void {
  beforeAll(async () => {
    platform = current();
    [rich, calm] = [await WebhookTenant.create(platform), await WebhookTenant.create(platform)];
    [receiver, counting] = [await Receiver.start(), await CountingReceiver.start()];
  });
  afterAll(async () => {
    await receiver.stop();
    await counting.stop();
  });

  test(
    'a feed of large changes arrives completely, except one that cannot be processed, which waits until it is retried',
    { timeout: soakTimeoutMs },
    async () => {
      await calm.endpoint(receiver.url);
      const ids: string[] = [];
      for (let index = 0; index < customerCount; index += 1) ids.push(await rich.createCustomer(`Rich ${index}`));
      await fill('😀');
      await calm.createCustomer('Behind all that');
      await waitFor(() => receiver.ids.length === 1);
      // Only changes from here on are delivered: each with as much before it as after it.
      await rich.endpoint(counting.url, { payload: 'FULL' });
      const [poison = ''] = ids;
      await rich.query(
        `create function refuse_event() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`,
      );
      await rich.query(
        `create trigger refuse_event before insert on webhook_event for each row
         when (new.record_id = '${poison}') execute function refuse_event()`,
      );

      await fill('🎩');
      for (let index = 0; index < 10; index += 1) await calm.createCustomer(`Calm ${index}`);

      await waitFor(() => receiver.ids.length === 11);
      await waitFor(() => counting.count === customerCount - 1);
      await waitFor(async () => (await metric('rapport_feed_quarantined_changes')) === 1);
      const { listed } = await quarantine('list');
      expect(listed).toEqual([
        expect.objectContaining({
          tenantId: rich.tenant.tenantId,
          type: 'customer',
          recordId: poison,
          reason: 'P0001',
        }),
      ]);
      expect(JSON.stringify(listed)).not.toContain('🎩');

      // It fails as it did, until what stood in its way is gone.
      await quarantine('retry', 'all');
      await waitFor(async () => (await metric('rapport_feed_quarantined_changes')) === 1);
      await rich.query('drop trigger refuse_event on webhook_event');
      await quarantine('retry', 'all');
      await waitFor(() => counting.count === customerCount);

      expect(await metric('rapport_feed_quarantined_changes')).toBe(0);
      expect((await quarantine('list')).listed).toEqual([]);
      const { sync, customers } = platform.services;
      const peaks = { sync: await peakMemory(sync), customers: await peakMemory(customers) };
      const inMiB = (bytes: number) => Math.round(bytes / 1_024 / 1_024);
      printTally('large changes', {
        changes: customerCount,
        'peak of sync in MiB': inMiB(peaks.sync),
        'peak of customers in MiB': inMiB(peaks.customers),
      });
      expect(peaks.sync).toBeLessThan(maxMemory.sync);
      expect(peaks.customers).toBeLessThan(maxMemory.customers);
    },
  );
}

/** As `until`, for as long as the long form takes. */
async function waitFor(holds: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: soakTimeoutMs, interval: 100 });
}

/** Gives each customer 200 fields of 1,000 characters. */
async function fill(text: string): Promise<void> {
  await rich.query(
    `update customer set version = version + 1, custom_fields = (
       select jsonb_object_agg('field_' || n, repeat($2, 1000)) from generate_series(1, 200) n)
     where tenant_id = $1`,
    [rich.tenant.tenantId, text],
    'customers',
  );
}

/** Runs the operator's command. */
async function quarantine(...args: string[]): Promise<{ listed: object[] }> {
  const env = { ...process.env, DATABASE_URL_FILE: join(dirname(platform.trust.signingKeyFile), 'sync-database-url') };
  const command = join(import.meta.dirname, '../dist/quarantine.js');
  const { stdout } = await promisify(execFile)(process.execPath, [command, ...args], { env });
  const lines = stdout.split('\n').filter(Boolean);
  return { listed: lines.map((line) => JSON.parse(line) as object) };
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${platform.services.sync.healthUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

/** Counts distinct events, and discards their content. */
class CountingReceiver {
  readonly #ids = new Set<unknown>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      json(request).then(
        () => {
          this.#ids.add(request.headers['webhook-id']);
          response.writeHead(204).end();
        },
        () => response.destroy(),
      );
    });
  }

  static async start(): Promise<CountingReceiver> {
    const receiver = new CountingReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  get count(): number {
    return this.#ids.size;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
