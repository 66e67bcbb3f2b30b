import { platformContract, restRoutes } from '@rapport/contracts';
import { describe, expect, it } from 'vitest';
import { tagsOfChange, tagsOfRead, tagsOfWrite } from '../src/cache/tags.js';
import { generateSampleContract } from './generate-sample-contract.js';

const routes = restRoutes((await generateSampleContract()).contract);

function route(name: string) {
  const found = routes.find(({ method }) => method.name === name);
  if (!found) throw new Error(`There is no ${name}.`);
  return found;
}

function read(name: string, request: Record<string, unknown>): string[] {
  return tagsOfRead(route(name))?.('t', request) ?? [];
}

function write(name: string, request: Record<string, unknown>, answer?: Record<string, unknown>): string[] {
  return tagsOfWrite(route(name))?.('t', request, answer) ?? [];
}

function meets(first: string[], second: string[]): boolean {
  return first.some((tag) => second.includes(tag));
}

const one = read('GetOre', { id: '1' });
const two = read('GetOre', { id: '2' });
const both = read('BatchGetOres', { ids: ['1', '2'] });
const list = read('ListOres', {});

/** The tags of an answer of ListOres besides that of all ores. */
const besides = (filter: string) => read('ListOres', { filter }).filter((tag) => !list.includes(tag));

describe('a write to', () => {
  it('one record invalidates that record everywhere, and every list', () => {
    const invalidated = write('UpdateOre', { id: '1', ore: {} }, { id: '1' });
    expect([one, two, both, list].map((read) => meets(invalidated, read))).toEqual([true, false, true, true]);
  });

  it('a record with its id only in the answer invalidates that record', () => {
    const invalidated = [
      write('CreateOre', { ore: { id: '' } }, { id: '2' }),
      // An empty id counts as none.
      write('UpdateOre', { id: '', ore: {} }, { id: '2' }),
    ];
    for (const each of invalidated) expect([one, two].map((read) => meets(each, read))).toEqual([false, true]);
  });

  it('several records invalidates each of them, and none for a batch without changes', () => {
    const results = [{ ore: { id: '1' } }, { problem: {} }];
    const invalidated = write('BatchUpdateOres', { batch: {} }, { results });
    expect([one, two].map((read) => meets(invalidated, read))).toEqual([true, false]);
    expect(write('BatchUpdateOres', { batch: {} }, { results: [{ problem: {} }] })).toEqual([]);
  });

  it.each([
    [
      'more records than get a tag each',
      { results: Array.from({ length: 101 }, (_, n) => ({ ore: { id: `${n + 5}` } })) },
    ],
    ['records without ids', undefined],
    ['records that are missing in the answer', {}],
  ])('%s meets all records of the type', (_case, answer) => {
    const invalidated = write('BatchUpdateOres', { batch: {} }, answer);
    expect([one, two, both, list].every((read) => meets(invalidated, read))).toBe(true);
  });

  it('the whole type invalidates all records and lists', () => {
    const invalidated = write('SmeltOres', {});
    expect([one, two, both, list].every((read) => meets(invalidated, read))).toBe(true);
  });

  it('nothing, when it only validates, invalidates nothing', () => {
    expect(write('UpdateOre', { id: '1', ore: {}, validateOnly: true }, { id: '1' })).toEqual([]);
  });

  it('another tenant invalidates nothing', () => {
    expect(meets(tagsOfChange('other', 'ore', undefined), list)).toBe(false);
  });
});

describe('a list', () => {
  it.each([undefined, ''])('with the filter %j depends on its own type only', (filter) => {
    expect(read('ListOres', { filter })).toEqual(['t/ore']);
  });

  it.each([
    'name = x',
    'createTime >= today',
    'customFields.grade = a',
    'NOT custom_fields.grade:* AND -customFields.depth > 3',
  ])('whose filter is about its own records depends on the settings too: %s', (filter) => {
    expect(besides(filter)).toEqual(['t/settings']);
  });

  it.each([
    'mine.name = x',
    'associations.found_in:*',
    'name = x OR (associations.found_in.minerals.name = y)',
    'mine.customFields.depth > 3',
    'mine.custom_fields.depth > 3',
    'customFields.mine.name = x',
    'myCustomFields.depth = 3',
    'CustomFields.depth = 3',
    'name = "a.b"',
  ])('whose filter may lead to other records depends on those too: %s', (filter) => {
    expect(besides(filter)).toEqual(['t/settings', 't/mineral']);
  });
});

it('filter tags are refused on a method without a filter', () => {
  const { method, ...others } = route('GetOre');
  const cache = { ...method.policy.cache!, pathTags: ['mineral'] };
  const wrong = { ...others, method: { ...method, policy: { ...method.policy, cache } } };
  expect(() => tagsOfRead(wrong)).toThrow('filter');
});

it('a method with a stream of answers may invalidate nothing: its write has no defined moment', () => {
  const stream = { ...route('UpdateOre'), answerUsage: 'messages' as const };
  expect(() => tagsOfWrite(stream)).toThrow('stream');
});

it("every cacheable method of the platform's contract has valid tags", () => {
  expect(() => restRoutes(platformContract()).map((each) => [tagsOfRead(each), tagsOfWrite(each)])).not.toThrow();
});
