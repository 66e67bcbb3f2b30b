import { check, sleep } from 'k6';
import { objectMix, stepAt } from '../mixes.ts';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

type Step = keyof typeof objectMix;

interface ObjectRecord {
  id: string;
  name: string;
}

/** Think time after an answer, in seconds. */
const lookSeconds = 1;

const operations: Readonly<Record<Step, Operation>> = {
  get: 'GetObjectRecord',
  list: 'ListObjectRecords',
  aggregate: 'AggregateObjectRecords',
  create: 'CreateObjectRecord',
  update: 'UpdateObjectRecord',
};

/** A user who works with the existing records of one custom object. */
export function objects(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  const path = `/v1/objects/${variable('OBJECT', 'subscription')}/records`;
  return {
    protocol: 'http',
    operations: Object.values(operations),
    setup: () => openRecords(api, path),
    run(data) {
      take(api, path, stepAt(objectMix, Math.random() * 100), data as string[]);
      sleep(lookSeconds);
    },
  };
}

/** @returns ids @throws Error, which ends the run, when the object has no records */
function openRecords(api: Api, path: string): string[] {
  const { status, body } = api.get<{ objectRecords?: ObjectRecord[] }>('ListObjectRecords', `${path}?pageSize=200`);
  const ids = (body?.objectRecords ?? []).map(({ id }) => id);
  if (ids.length === 0) throw new Error(`The tenant has no records at ${path} to work with (${status}).`);
  return ids;
}

function take(api: Api, path: string, step: Step, ids: readonly string[]): void {
  const operation = operations[step];
  const id = ids[Math.floor(Math.random() * ids.length)] ?? '';
  switch (step) {
    case 'get': {
      const { body } = api.get<ObjectRecord>(operation, `${path}/${id}`);
      check(body, { 'a record of an object can be read': () => body?.id === id });
      return;
    }
    case 'list': {
      const query = `pageSize=20&orderBy=name&filter=${encodeURIComponent('createTime < today+1d')}`;
      const { body } = api.get<{ objectRecords: ObjectRecord[] }>(operation, `${path}?${query}`);
      check(body, { 'the list has records of the object': () => (body?.objectRecords.length ?? 0) > 0 });
      return;
    }
    case 'aggregate': {
      const { body } = api.get<{ total: { count: number } }>(operation, `${path}:aggregate?groupBy=createTime.month`);
      check(body, { 'the records of the object are counted': () => (body?.total.count ?? 0) > 0 });
      return;
    }
    case 'create': {
      const name = `Load ${uniqueText()}`;
      const { body } = api.send<ObjectRecord>('POST', operation, path, { name, tags: ['load'] });
      check(body, { 'a record of an object is created': () => body?.name === name });
      return;
    }
    case 'update': {
      const name = `Load ${uniqueText()}`;
      const { body } = api.send<ObjectRecord>('PATCH', operation, `${path}/${id}`, { name });
      check(body, { 'a record of an object is changed': () => body?.name === name });
      return;
    }
    default:
      step satisfies never;
  }
}
