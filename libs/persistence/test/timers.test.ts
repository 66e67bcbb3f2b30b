import { v7 } from 'uuid';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cancelTimers, TimerWorker, type FiringTimer, type TimerHandler } from '../src/index.js';
import { recordEffect, timerDatabase, type TimerDatabase } from './timer-database.js';

let database: TimerDatabase;
let worker: TimerWorker | undefined;

beforeAll(async () => {
  database = await timerDatabase();
});
afterEach(async () => {
  await worker?.onModuleDestroy();
  worker = undefined;
  await database.rows('delete from clock_shift');
});
afterAll(() => database.close());

function start(handlers: Record<string, TimerHandler>, options: { allowsClockShift?: boolean } = {}): void {
  worker = new TimerWorker(database.orm, new Map(Object.entries(handlers)), { pollMs: 10, ...options });
  worker.onApplicationBootstrap();
}

const timerOf = (tenantId: string, dueTime = new Date(Date.now() - 1_000), kind = 'effect') => ({
  tenantId,
  kind,
  recordType: 'task',
  recordId: v7(),
  purpose: 'due',
  dueTime,
});

/** Ids of the records whose timers had an effect, in the order of the effects. */
async function effects(tenantId: string): Promise<string[]> {
  const rows = await database.rows<{ record_id: string }>(
    'select record_id from effect where tenant_id = $1 order by number',
    [tenantId],
  );
  return rows.map(({ record_id }) => record_id);
}

async function states(tenantId: string): Promise<string[]> {
  const rows = await database.rows<{ state: string }>('select state from timer where tenant_id = $1 order by id', [
    tenantId,
  ]);
  return rows.map(({ state }) => state);
}

describe('a timer', () => {
  test('fires with its due time and payload, as the service, in the tenant of its record', async () => {
    const tenantId = v7();
    const request = { ...timerOf(tenantId), payload: { minutes: 15 } };
    const fired: FiringTimer[] = [];
    await database.set(request);
    start({
      effect: async (em, timer) => {
        fired.push(timer);
        await recordEffect(em, timer);
      },
    });
    await expect.poll(() => effects(tenantId)).toEqual([request.recordId]);
    expect(fired).toMatchObject([request]);
    expect(await states(tenantId)).toEqual(['FIRED']);
  });

  test('does not fire before its time, and fires when the clock has passed it', async () => {
    const tenantId = v7();
    const [early, late] = [timerOf(tenantId), timerOf(tenantId, new Date(Date.now() + 3_600_000))];
    await database.set(late);
    await database.set(early);
    start({ effect: recordEffect }, { allowsClockShift: true });
    await expect.poll(() => effects(tenantId)).toEqual([early.recordId]);
    await database.shift(3_700);
    await expect.poll(() => effects(tenantId)).toEqual([early.recordId, late.recordId]);
    await database.shift(-3_700);
    await database.set(timerOf(tenantId, new Date()));
    await database.shift(1);
    await expect.poll(async () => (await effects(tenantId)).length).toBe(3);
  });

  test('is one for a record, kind and purpose: set again, it moves', async () => {
    const tenantId = v7();
    const request = timerOf(tenantId, new Date(Date.now() + 3_600_000));
    await database.set(request);
    await database.set({ ...request, dueTime: new Date(Date.now() - 5_000) });
    await database.set({ ...request, dueTime: new Date(Date.now() + 3_600_000), purpose: 'other' });
    start({ effect: recordEffect });
    await expect.poll(() => effects(tenantId)).toEqual([request.recordId]);
    expect((await states(tenantId)).toSorted()).toEqual(['FIRED', 'PENDING']);
  });

  test('is set and cancelled with the transaction alone', async () => {
    const tenantId = v7();
    const [kept, cancelled] = [timerOf(tenantId), timerOf(tenantId)];
    const undone = database.inTenant(tenantId, async () => {
      await database.set(kept);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    await database.set(cancelled);
    await database.inTenant(tenantId, (em) => cancelTimers(em, { ...cancelled, purpose: 'due' }));
    start({ effect: recordEffect });
    await expect.poll(() => effects(tenantId)).toEqual([kept.recordId]);
    expect((await states(tenantId)).toSorted()).toEqual(['CANCELLED', 'FIRED']);
    expect(await database.rows('select from timer_job where tenant_id = $1', [tenantId])).toEqual([]);
  });

  test('that takes long delays no timer of another tenant', async () => {
    const [slow, quick, later] = [v7(), v7(), v7()];
    const done = Promise.withResolvers<void>();
    await database.set(timerOf(slow));
    await database.set(timerOf(quick));
    start({
      effect: async (em, timer) => {
        if (timer.tenantId === slow) await done.promise;
        await recordEffect(em, timer);
      },
    });
    await expect.poll(async () => (await effects(quick)).length).toBe(1);
    await database.set(timerOf(later));
    await expect.poll(async () => (await effects(later)).length).toBe(1);
    expect(await effects(slow)).toEqual([]);
    done.resolve();
    await expect.poll(async () => (await effects(slow)).length).toBe(1);
  });

  test('that fails is tried again later, and delays no other', async () => {
    const tenantId = v7();
    const [failing, ...others] = Array.from({ length: 5 }, (_, index) => timerOf(tenantId, new Date(1_000 + index)));
    for (const request of [failing!, ...others]) await database.set(request);
    let isFailing = true;
    start({
      effect: async (em, timer) => {
        await recordEffect(em, timer);
        if (isFailing && timer.recordId === failing!.recordId) throw new Error('not now');
      },
    });
    const expected = others.map(({ recordId }) => recordId);
    await expect.poll(() => effects(tenantId)).toEqual(expected);
    const [job] = await database.rows<{ failures: number; is_later: boolean }>(
      'select failures, next_time > rapport_clock() as is_later from timer_job where tenant_id = $1',
      [tenantId],
    );
    expect(job).toMatchObject({ failures: 1 });
    isFailing = false;
    await expect.poll(() => effects(tenantId)).toEqual([...expected, failing!.recordId]);
  });

  test('of an unknown kind waits for a release that has its handler', async () => {
    const tenantId = v7();
    await database.set(timerOf(tenantId, undefined, 'newer'));
    start({ effect: recordEffect });
    await expect
      .poll(() => database.rows('select failures from timer_job where tenant_id = $1', [tenantId]))
      .toEqual([{ failures: 1 }]);
    expect(await states(tenantId)).toEqual(['PENDING']);
  });
});

test('a tenant with many due timers does not hold up another one', async () => {
  const [many, few] = [v7(), v7()];
  await database.rows(
    `with made as (
       insert into timer select $1, gen_random_uuid(), 'effect', 'task', gen_random_uuid(), 'due', 'epoch', '{}', 'PENDING', now(), null
       from generate_series(1, 3000) returning tenant_id, id, due_time)
     insert into timer_job select * from made`,
    [many],
  );
  await database.set(timerOf(few));
  let before = -1;
  start({
    effect: async (em, timer) => {
      if (timer.tenantId === few) before = (await effects(many)).length;
      await recordEffect(em, timer);
    },
  });
  await expect.poll(() => effects(few)).toHaveLength(1);
  await worker!.onModuleDestroy();
  expect(before).toBeLessThan(500);
  await database.rows('delete from timer_job where tenant_id = $1', [many]);
});

test('a worker refuses a shifted clock unless a test allows it, and the role of the service cannot shift it', async () => {
  const tenantId = v7();
  const request = timerOf(tenantId);
  await database.set(request);
  await database.shift(60);
  start({ effect: recordEffect });
  await expect.poll(() => worker!.isFailing).toBe(true);
  expect(await effects(tenantId)).toEqual([]);
  await expect(database.orm.em.fork().execute(`insert into clock_shift values ('1 hour')`)).rejects.toThrow(
    'permission',
  );
  await database.rows('delete from clock_shift');
  await expect.poll(() => effects(tenantId)).toEqual([request.recordId]);
});

test('timers that ended a week ago are removed when others of the tenant fire', async () => {
  const tenantId = v7();
  await database.set(timerOf(tenantId));
  start({ effect: recordEffect });
  await expect.poll(() => states(tenantId)).toEqual(['FIRED']);
  await database.rows(`update timer set end_time = end_time - interval '8 days' where tenant_id = $1`, [tenantId]);
  await database.set(timerOf(tenantId));
  await expect.poll(async () => (await effects(tenantId)).length).toBe(2);
  expect(await states(tenantId)).toEqual(['FIRED']);
});
