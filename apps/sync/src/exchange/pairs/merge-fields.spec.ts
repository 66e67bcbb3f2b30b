import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../connectors/peer-record.js';
import type { Base } from '../links/link.js';
import type { FieldRule } from '../mappings/field-rule.js';
import { mergeFields, type MergeRequest } from './merge-fields.js';

const fingerprint = (value: JsonValue) => JSON.stringify(value);
const rule = (more: Partial<FieldRule> = {}): FieldRule => ({
  ...{ customerField: 'jobTitle', peerField: 'title', transform: 'NONE', authority: 'BOTH', onEmpty: 'CLEAR' },
  ...more,
});

/** @param base the last agreed value; undefined for none */
function merge(
  [base, customer, peer]: [JsonValue | undefined, JsonValue, JsonValue],
  more: Partial<MergeRequest> & { rule?: Partial<FieldRule> } = {},
) {
  const { rule: ofRule, ...request } = more;
  const items = Array.isArray(base) ? base.map((item) => fingerprint(item)) : [];
  const agreed: Base =
    base === undefined ? {} : { jobTitle: { customer: fingerprint(base), peer: fingerprint(base), items } };
  const merged = mergeFields({
    ...{ rules: [rule(ofRule)], policy: 'MANUAL', direction: 'BOTH', base: agreed, fingerprint },
    customer: { jobTitle: customer },
    peer: { jobTitle: peer },
    ...request,
  });
  const written = (side: Map<string, JsonValue>) => (side.has('jobTitle') ? side.get('jobTitle') : '-');
  return merged.conflicts.length > 0 ? 'CONFLICT' : [written(merged.toCustomer), written(merged.toPeer)];
}

describe('a field', () => {
  it.each<[string, [JsonValue | undefined, JsonValue, JsonValue], unknown]>([
    ['that nobody has changed stays', ['a', 'a', 'a'], ['-', '-']],
    ['that only the customer has changed goes to the record', ['a', 'b', 'a'], ['-', 'b']],
    ['that only the record has changed goes to the customer', ['a', 'a', 'b'], ['b', '-']],
    ['that both have changed to the same stays', ['a', 'b', 'b'], ['-', '-']],
    ['that both have changed to different values is a conflict', ['a', 'b', 'c'], 'CONFLICT'],
    ['that the customer has cleared is cleared in the record', ['a', null, 'a'], ['-', null]],
    ['that one has cleared and the other has changed is a conflict', ['a', null, 'b'], 'CONFLICT'],
    ['that only one has ever had goes to the other', [undefined, 'a', null], ['-', 'a']],
    ['on which both never agreed is a conflict', [undefined, 'a', 'b'], 'CONFLICT'],
  ])('%s', (_what, values, expected) => {
    expect(merge(values)).toEqual(expected);
  });
});

describe('when both have changed a field', () => {
  it.each<[string, Parameters<typeof merge>[1], unknown]>([
    ['CUSTOMER takes the customer’s value', { policy: 'CUSTOMER' }, ['-', 'b']],
    ['PEER takes the record’s value', { policy: 'PEER' }, ['c', '-']],
    ['NEWEST takes that of the side changed last', { policy: 'NEWEST', newest: 'PEER' }, ['c', '-']],
    ['NEWEST without times is a conflict', { policy: 'NEWEST' }, 'CONFLICT'],
    ['UNION of texts is a conflict', { policy: 'UNION' }, 'CONFLICT'],
    [
      'the policy of the field goes before that of the mapping',
      { policy: 'PEER', rule: { policy: 'CUSTOMER' } },
      ['-', 'b'],
    ],
    ['what a person has chosen goes before any policy', { policy: 'PEER', choice: 'CUSTOMER' }, ['-', 'b']],
    ['the side with authority wins', { policy: 'PEER', rule: { authority: 'CUSTOMER' } }, ['-', 'b']],
    ['one-way, the source wins', { direction: 'TO_CUSTOMERS' }, ['c', '-']],
  ])('%s', (_what, more, expected) => {
    expect(merge(['a', 'b', 'c'], more)).toEqual(expected);
  });
});

it('a change of the side without authority is undone', () => {
  expect(merge(['a', 'a', 'b'], { rule: { authority: 'CUSTOMER' } })).toEqual(['-', 'a']);
});

it('an empty value takes nothing away where the rule says KEEP', () => {
  expect(merge(['a', null, 'a'], { rule: { onEmpty: 'KEEP' } })).toEqual(['-', '-']);
});

describe('UNION', () => {
  it.each<[string, [JsonValue | undefined, JsonValue, JsonValue], unknown]>([
    [
      'has what either has added',
      [['a'], ['a', 'b'], ['a', 'c']],
      [
        ['a', 'b', 'c'],
        ['a', 'b', 'c'],
      ],
    ],
    [
      'has not what either has removed',
      [
        ['a', 'b', 'c'],
        ['a', 'b'],
        ['b', 'c'],
      ],
      [['b'], ['b']],
    ],
    ['of all removed is nothing', [['a', 'b'], ['a'], ['b']], [null, null]],
    [
      'of lists that never agreed has all',
      [undefined, ['a'], ['b']],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    ],
  ])('%s', (_what, values, expected) => {
    expect(merge(values, { policy: 'UNION' })).toEqual(expected);
  });

  it('knows an e-mail address by itself, whatever its label', () => {
    const [customer, peer] = [[{ address: 'a@x', label: 'work' }], [{ address: 'a@x' }, { address: 'b@x' }]];
    const united = [{ address: 'a@x', label: 'work' }, { address: 'b@x' }];
    expect(merge([undefined, customer, peer], { policy: 'UNION' })).toEqual([united, united]);
  });
});

it('keeps values that one side normalises as agreed, and takes up the next change of either', () => {
  const base = { jobTitle: { customer: fingerprint('+49 30'), peer: fingerprint('030') } };
  const request = (customer: string, peer: string) =>
    mergeFields({
      ...{ rules: [rule()], policy: 'MANUAL', direction: 'BOTH', base, fingerprint },
      customer: { jobTitle: customer },
      peer: { jobTitle: peer },
    });
  expect(request('+49 30', '030').toPeer.size + request('+49 30', '030').toCustomer.size).toBe(0);
  expect(request('+49 31', '030').toPeer.get('jobTitle')).toBe('+49 31');
  expect(request('+49 30', '031').toCustomer.get('jobTitle')).toBe('031');
});

describe('an item of a list that one side does not take', () => {
  const list = (...items: JsonValue[]) => items;
  const left = (before: { customer: JsonValue; peer: JsonValue; left: JsonValue[] }) => ({
    jobTitle: {
      customer: fingerprint(before.customer),
      peer: fingerprint(before.peer),
      left: before.left.map((item) => fingerprint(item)),
    },
  });
  const run = (base: Base, customer: JsonValue, peer: JsonValue, policy: MergeRequest['policy'] = 'MANUAL') => {
    const sides = { customer: { jobTitle: customer }, peer: { jobTitle: peer } };
    return mergeFields({ rules: [rule()], policy, direction: 'BOTH', base, fingerprint, ...sides });
  };

  it('stays with the other when the one changes its list', () => {
    const base = left({ customer: list('a'), peer: list('a', 'unfit'), left: ['unfit'] });
    const merged = run(base, list('b'), list('a', 'unfit'));
    expect(merged.toPeer.get('jobTitle')).toEqual(['b', 'unfit']);
    expect(merged.toCustomer.size).toBe(0);
    expect(run(merged.base, list('b'), list('b', 'unfit')).toPeer.size).toBe(0);
  });

  it('is gone when its own side removes it, and is sent when that changes its list', () => {
    const base = left({ customer: list('a'), peer: list('a', 'unfit'), left: ['unfit'] });
    expect(run(base, list('a'), list('a')).toCustomer.size).toBe(0);
    expect(run(base, list('a'), list('a', 'unfit', 'b')).toCustomer.get('jobTitle')).toEqual(['a', 'unfit', 'b']);
  });

  it('counts as removed by neither when lists are united', () => {
    const base = left({ customer: list('a'), peer: list('a', 'unfit'), left: ['unfit'] });
    const items = { jobTitle: { ...base.jobTitle, items: [fingerprint('a')] } };
    const merged = run(items, list('a', 'b'), list('a', 'unfit', 'c'), 'UNION');
    expect(merged.toPeer.get('jobTitle')).toEqual(['a', 'b', 'unfit', 'c']);
  });
});

describe('postal addresses that are united', () => {
  const work = { street: 'Hauptplatz 1', city: 'Graz', label: 'work' };

  it.each<[string, JsonValue[], JsonValue[], unknown]>([
    [
      'are the same however they are spelled, and whatever their label',
      [work],
      [{ street: 'hauptplatz  1', city: 'GRAZ' }],
      ['-', [work]],
    ],
    ['that another one contains add nothing', [work], [{ city: 'Graz' }], ['-', [work]]],
    ['that contain another one take its place', [{ city: 'Graz' }], [work], [[work], '-']],
    [
      'are both there when they differ',
      [work],
      [{ city: 'Wien' }],
      [
        [work, { city: 'Wien' }],
        [work, { city: 'Wien' }],
      ],
    ],
  ])('%s', (_what, customer, peer, expected) => {
    expect(merge([undefined, customer, peer], { policy: 'UNION' })).toEqual(expected);
  });
});
