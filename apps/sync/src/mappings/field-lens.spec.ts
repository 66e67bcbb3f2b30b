import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../connectors/peer-record.js';
import { fieldLens } from './field-lens.js';
import type { FieldRule, Transform } from './field-rule.js';

const lensOf = (customerField: string, transform: Transform) =>
  fieldLens({ customerField, peerField: 'x', transform, authority: 'BOTH', onEmpty: 'CLEAR' } satisfies FieldRule);

it.each<[Transform, string, JsonValue, JsonValue]>([
  ['NONE', 'jobTitle', ' Ada ', ' Ada '],
  ['TRIM', 'jobTitle', ' Ada ', 'Ada'],
  ['LOWER_CASE', 'jobTitle', 'ADA', 'ada'],
  ['COMMA_LIST', 'tags', 'vip, new,,vip', ['vip', 'new']],
  ['FIRST_OF_LIST', 'emails', 'ada@example.com', 'ada@example.com'],
  ['CONTACT_LIST', 'emails', [{ address: 'A@EXAMPLE.com' }], [{ address: 'A@example.com' }]],
  ['CONTACT_LIST', 'phones', [{ number: '1', types: ['voice', 'cell'] }], [{ number: '1', label: 'mobile' }]],
  ['CONTACT_LIST', 'phones', [{ number: '1' }, { number: '2', primary: true }], [{ number: '2' }, { number: '1' }]],
])('%s of %s sees %j as %j', (transform, field, value, view) => {
  expect(lensOf(field, transform).ofPeer(value)).toEqual(view);
});

describe('a list of contact data that is put back', () => {
  const { ofPeer, toPeer } = lensOf('phones', 'CONTACT_LIST');
  const card: JsonValue = [
    { number: '1', types: ['voice', 'home'], primary: true },
    { number: '2', label: 'Lab' },
  ];

  it('keeps items that say the same as they were', () => {
    expect(toPeer(ofPeer(card), card)).toEqual(card);
  });

  it('keeps types that are no label, when the label changes', () => {
    const wanted: JsonValue = [
      { number: '1', label: 'work' },
      { number: '2', label: 'Lab' },
    ];
    const [first] = toPeer(wanted, card) as JsonValue[];
    expect(first).toEqual({ number: '1', types: ['work', 'voice'], primary: true });
  });

  it('shows what was put, in its order', () => {
    const wanted: JsonValue = [{ number: '3', label: 'mobile' }, { number: '2', label: 'Lab' }, { number: '4' }];
    expect(ofPeer(toPeer(wanted, card))).toEqual(wanted);
  });
});

it('the first of a list changes alone', () => {
  const { toCustomer } = lensOf('emails', 'FIRST_OF_LIST');
  const emails: JsonValue = [{ address: 'a@x', label: 'work' }, { address: 'b@x' }];
  expect(toCustomer('c@x', emails)).toEqual([{ address: 'c@x', label: 'work' }, { address: 'b@x' }]);
  expect(toCustomer(null, emails)).toEqual([{ address: 'b@x' }]);
});
