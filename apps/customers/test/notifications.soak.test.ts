import { BatchMode } from '@rapport/contracts/rapport/api/v1/records';
import {
  NotificationsServiceService as Methods,
  type WatchNotificationsResponse,
} from '@rapport/contracts/rapport/work/v1/notifications_service';
import { Task } from '@rapport/contracts/rapport/work/v1/task';
import type { Caller } from '@rapport/platform';
import { printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { newCaller, sharedCustomers } from './running-customers.js';
import { idOf } from './scoped-tenant.js';

const size = {
  writers: sizeOf('NOTIFYING_WRITERS', { short: 6, long: 24 }),
  writes: sizeOf('NOTIFYING_WRITES', { short: 60, long: 3_000 }),
};
/** Less than the 1,000 notifications that are kept for a recipient, by the most of one batch for each writer. */
const maxBehind = 800;
const blank = Task.decode(new Uint8Array());

const service = await sharedCustomers();

test(
  'streams that break and resume have each notification of concurrent writes once, in the order of positions',
  async () => {
    const random = new SeedRandom(printedSeed('notifications'));
    const caller = newCaller();
    const recipients = [1, 2, 3].map((): Caller => ({ ...caller, principalId: `user:${v7()}` }));
    const expected = new Map(recipients.map((each) => [idOf(each), new Set<string>()]));
    const left = Array.from({ length: size.writes }, () =>
      Array.from({ length: 1 + random.below(4) }, () => recipients[random.below(recipients.length)]!),
    );
    const countOf = (each: Caller) => left.flat().filter((owner) => owner === each).length;
    const readings = recipients.map((): Reading => ({ recordIds: [], positions: [], openings: 0 }));
    const received = Promise.all(recipients.map((each, index) => watchAll(each, countOf(each), readings[index]!)));
    const mostBehind = () =>
      Math.max(...recipients.map((each, index) => expected.get(idOf(each))!.size - readings[index]!.recordIds.length));

    const write = async () => {
      for (let owners = left.pop(); owners; owners = left.pop()) {
        // A reader that is further behind than the notifications that are kept would miss some.
        await expect.poll(mostBehind, { timeout: soakTimeoutMs }).toBeLessThan(maxBehind);
        // Several recipients in any order, so that writes meet at their inboxes.
        const items = owners.map((owner) => ({ task: { ...blank, subject: 'T', ownerId: idOf(owner) } }));
        const batch = { items, mode: BatchMode.ATOMIC };
        const { results } = await service.call('batchCreateTasks', { batch, requestId: v7() }, caller);
        for (const { task } of results) expected.get(task!.ownerId!)!.add(task!.id);
      }
    };
    await Promise.all(Array.from({ length: size.writers }, write));

    await received;
    for (const [index, { recordIds, positions }] of readings.entries()) {
      const ids = [...expected.get(idOf(recipients[index]!))!];
      expect(recordIds.toSorted()).toEqual(ids.toSorted());
      expect(positions).toEqual(positions.toSorted((one, other) => one - other));
    }
    printTally('notifications', {
      ...{ writes: size.writes, notifications: readings.reduce((sum, { positions }) => sum + positions.length, 0) },
      reconnections: readings.reduce((sum, { openings }) => sum + openings, 0),
    });
  },
  soakTimeoutMs,
);

/** What a reader has received, and how often it has opened a stream. */
interface Reading {
  recordIds: string[];
  positions: number[];
  openings: number;
}

/** Reads `total` notifications of a recipient: leaves the stream after some messages, and resumes after the last one. */
async function watchAll(reader: Caller, total: number, reading: Reading): Promise<void> {
  const { recordIds, positions } = reading;
  let cursor = '0';
  while (recordIds.length < total) {
    reading.openings += 1;
    const options = { context: service.outgoing(reader), deadlineMs: 60_000 };
    const messages = service.streams.stream(Methods.watchNotifications.path, { cursor }, options);
    let count = 0;
    for await (const message of messages as AsyncIterable<WatchNotificationsResponse>) {
      ({ cursor } = message);
      if (message.notification) {
        recordIds.push(message.notification.recordId!);
        positions.push(message.notification.position);
      }
      count += 1;
      if (count > 7 || recordIds.length === total) break;
    }
  }
}
