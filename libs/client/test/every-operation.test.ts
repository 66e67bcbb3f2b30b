import { sharedPlatform } from '@rapport/testing';
import { beforeAll, expect, inject, test } from 'vitest';
import { operationLines } from '../src/operation-lines.ts';
import { Paged, Rapport, RapportError } from '../src/index.ts';

type Method = (request: object, options: object) => unknown;

const all = operationLines();
let rapport: Rapport;

beforeAll(async () => {
  const platform = await sharedPlatform(inject('platformUrl'));
  const { apiKey } = await platform.createTenant('Every operation');
  rapport = new Rapport({ baseUrl: platform.edgeUrl, apiKey });
});

test('the edge knows the path, the verb and the parameters of every operation', async () => {
  const outcomes: string[] = [];
  // All at once they would wait for places of the tenant.
  for (let start = 0; start < all.length; start += 20) {
    const some = all.slice(start, start + 20);
    const called = some.map(async ([name, , path]) => `${name}: ${await outcomeOf(name, requestFor(path))}`);
    outcomes.push(...(await Promise.all(called)));
  }
  const refused = outcomes.filter((outcome) =>
    /ROUTE_UNKNOWN|METHOD_NOT_ALLOWED|CONTENT_TYPE|INTERNAL|Error$/.test(outcome),
  );

  expect(refused).toEqual([]);
  expect(outcomes.filter((outcome) => outcome.endsWith(': done')).length).toBeGreaterThan(50);
});

test('every list of a workspace can be read', async () => {
  const lists = all.filter(([name, , path]) => name.endsWith('.list') && !path.includes('{'));
  const needy = {
    ...{ 'associations.list': 'VALIDATION_FAILED', 'files.list': 'VALIDATION_FAILED' },
    ...{ 'connectedApps.list': 'USER_NEEDED', 'sessions.list': 'USER_NEEDED' },
  };
  const outcomes = await Promise.all(lists.map(async ([name]) => [name, await outcomeOf(name, {})] as const));
  const failed = Object.fromEntries(outcomes.filter(([, outcome]) => outcome !== 'done'));

  expect(failed).toEqual(needy);
});

/** Values for a path that no record has. */
function requestFor(path: string): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const value = (name: string) => (/[iI]d$/.test(name) ? '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11' : 'none');
  return { ...Object.fromEntries(names.map((name) => [name, value(name)])) };
}

/** `done`, or the code of the problem. */
async function outcomeOf(name: string, request: object): Promise<string> {
  const [first = '', second] = name.split('.');
  const members = rapport as unknown as Record<string, Method & Record<string, Method>>;
  const method = second === undefined ? members[first]! : members[first]![second]!;
  const ending = new AbortController();
  const options = { signal: ending.signal };
  try {
    const answer = await method(request, options);
    if (answer instanceof Paged) await answer.page();
    else if (isStream(answer)) for await (const _ of answer) break;
    return 'done';
  } catch (error) {
    return error instanceof RapportError ? error.code : String(error) + 'Error';
  } finally {
    ending.abort();
  }
}

function isStream(answer: unknown): answer is AsyncIterable<unknown> {
  return typeof answer === 'object' && answer !== null && Symbol.asyncIterator in answer;
}
