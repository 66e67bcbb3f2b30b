import { check, sleep } from 'k6';
import { stepAt, workMix } from '../mixes.ts';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

type Step = keyof typeof workMix;

/** Input of the iterations: a customer, and a reference to it. */
interface Subject {
  id: string;
  related: { type: string; id: string }[];
}

/** Think time after an answer, in seconds. */
const lookSeconds = 1;

const operations: Readonly<Record<Step, Operation>> = {
  list: 'ListTasks',
  timeline: 'ListCustomerTimeline',
  note: 'CreateNote',
  complete: 'CompleteTask',
  count: 'CountNotifications',
};

/** Users who look at their day and at a customer, write notes, complete tasks that repeat, and count notifications. */
export function work(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: [...Object.values(operations), 'CreateTask'],
    setup: () => anyCustomer(api),
    run(data) {
      take(api, stepAt(workMix, Math.random() * 100), data as Subject);
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no customers */
function anyCustomer(api: Api): Subject {
  const path = '/v1/customers?pageSize=1';
  const { status, body } = api.get<{ customers?: { id: string }[] }>('ListCustomers', path);
  const id = body?.customers?.[0]?.id;
  if (id === undefined) throw new Error(`The tenant has no customers to work with (${status}).`);
  return { id, related: [{ type: 'customer', id }] };
}

function take(api: Api, step: Step, { id, related }: Subject): void {
  const operation = operations[step];
  switch (step) {
    case 'list': {
      const filter = encodeURIComponent('status = OPEN AND deadline < now+1d');
      const { body } = api.get<{ tasks?: object[] }>(
        operation,
        `/v1/tasks?pageSize=20&orderBy=deadline&filter=${filter}`,
      );
      check(body, { 'the tasks of the day are listed': () => (body?.tasks ?? []).length <= 20 });
      return;
    }
    case 'timeline': {
      const { body } = api.get<{ entries?: object[] }>(operation, `/v1/customers/${id}/timeline`);
      check(body, { 'the timeline has entries': () => (body?.entries ?? []).length > 0 });
      return;
    }
    case 'note': {
      const note = { body: `Load ${uniqueText()}`, related };
      const { body } = api.send<{ title: string }>('POST', operation, '/v1/notes', note);
      check(body, { 'a note is created': () => body?.title === note.body });
      return;
    }
    case 'complete': {
      const task = { subject: `Load ${uniqueText()}`, dueDate: '2030-01-31', recurrence: { rule: 'FREQ=WEEKLY' } };
      const { body: created } = api.send<{ id: string }>('POST', 'CreateTask', '/v1/tasks', { ...task, related });
      const path = `/v1/tasks/${created?.id}:complete`;
      const { body } = api.send<{ nextTask?: { dueDate: string } }>('POST', operation, path, {});
      check(body, { 'a task is completed': () => body?.nextTask?.dueDate === '2030-02-07' });
      return;
    }
    case 'count': {
      const { body } = api.get<{ unread?: number }>(operation, '/v1/notifications:count');
      check(body, { 'unread notifications are counted': () => (body?.unread ?? 0) <= 100 });
      return;
    }
    default:
      step satisfies never;
  }
}
