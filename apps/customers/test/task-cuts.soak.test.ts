import { TaskRecurrence, type Task } from '@rapport/contracts/rapport/work/v1/task';
import { isSoak, printedSeed, printTally, sizeOf, soakTimeoutMs } from '@rapport/testing';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import { SeedRandom } from '../seed/seed-random.ts';
import { cutCustomers, untilKnown } from './cut-customers.js';
import { ref, WorkTenant } from './work-tenant.js';

const rounds = sizeOf('TASK_CUT_ROUNDS', { short: 1, long: 60 });

const { service, proxy } = await cutCustomers();

test(
  'a task that parallel calls complete, cut before or after each statement, is followed by one task',
  async () => {
    const random = new SeedRandom(printedSeed('task-cuts'));
    const tenant = new WorkTenant(service);
    const related = [ref('customer', await tenant.createPerson())];
    const recurrence = TaskRecurrence.create({ rule: 'FREQ=DAILY' });
    const create = () => tenant.createTask({ dueDate: '2099-01-01', recurrence, related });
    proxy.plan(tenant.caller.principalId);
    await tenant.complete((await create()).id, { requestId: v7() });
    const { statements } = proxy.result;

    const completed: { task: Task; followers: Set<string | undefined> }[] = [];
    let cut = 0;
    for (let round = 0; round < rounds; round += 1) {
      for (let place = 1; place <= statements; place += 1) {
        const task = await create();
        proxy.plan(tenant.caller.principalId, random.below(2) === 0 ? { before: place } : { after: place });
        const calls = Array.from({ length: 1 + random.below(3) }, () => {
          const key = random.below(2) === 0 ? { requestId: v7() } : {};
          return untilKnown(() => tenant.complete(task.id, key));
        });
        const answers = await Promise.all(calls);
        if (proxy.result.isCut) cut += 1;
        proxy.plan('nothing');
        completed.push({ task, followers: new Set(answers.map(({ nextTask }) => nextTask?.id)) });
      }
    }
    printTally('cut completions', { statements, tasks: completed.length, cut });

    expect(cut).toBeGreaterThan(completed.length * 0.7);
    for (const { task, followers } of completed) {
      expect(followers.size).toBe(1);
      const [follower] = followers;
      expect((await tenant.series(task.id)).map(({ id }) => id)).toEqual([task.id, follower]);
    }
  },
  isSoak ? soakTimeoutMs : 120_000,
);
