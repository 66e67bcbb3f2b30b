import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../connectors/peer-record.js';
import type { FieldRule, Transform } from '../field-rule.js';
import { fieldLens } from './field-lens.js';

const lensOf = (customerField: string, transform: Transform) =>
  fieldLens({ customerField, peerField: 'x', transform, authority: 'BOTH', onEmpty: 'CLEAR' } satisfies FieldRule);

it.each<[Transform, string, JsonValue, JsonValue]>([
  ['NONE', 'jobTitle', ' Ada ', ' Ada '],
  ['TRIM', 'jobTitle', ' Ada ', 'Ada'],
  ['LOWER_CASE', 'jobTitle', 'ADA', 'ada'],
  ['COMMA_LIST', 'tags', 'vip, new,,vip', ['vip', 'new']],
  ['COMMA_LIST', 'tags', String.raw`a\, b, c\\d, e\f`, ['a, b', String.raw`c\d`, String.raw`e\f`]],
  [
    'CONTACT_LIST',
    'addresses',
    [{ extended: 'Flat 3', street: 'Hauptplatz 1', city: 'Graz', country: 'Österreich', types: ['work'] }],
    [{ street: 'Flat 3\nHauptplatz 1', city: 'Graz', countryCode: 'AT', label: 'work' }],
  ],
  [
    'CONTACT_LIST',
    'addresses',
    [{ city: 'Minas Tirith', country: 'Gondor' }],
    [{ city: 'Minas Tirith', country: 'Gondor' }],
  ],
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

it('a list of texts comes back from its column, whatever is in it, and stays as it was written when it says the same', () => {
  const { ofPeer, toPeer } = lensOf('tags', 'COMMA_LIST');
  const tags: JsonValue = ['a, b', String.raw`c\d`, String.raw`\,`, 'plain'];
  expect(ofPeer(toPeer(tags, null))).toEqual(tags);
  expect(toPeer(['x', 'y'], 'x,y')).toBe('x,y');
});

describe('an address of a card that is put back', () => {
  const { ofPeer, toPeer } = lensOf('addresses', 'CONTACT_LIST');
  const card: JsonValue = [
    { poBox: '7', street: 'Hauptplatz 1', city: 'Graz', country: 'Austria', types: ['work', 'dom'], primary: true },
    { street: 'Ring 2', city: 'Wien', country: 'AT', label: 'Lab' },
  ];

  it('keeps what says the same as it was', () => {
    expect(toPeer(ofPeer(card), card)).toEqual(card);
  });

  it('keeps the lines of a street, the word of a country and other types when another part changes', () => {
    const [first, second] = ofPeer(card) as JsonObject[];
    expect(toPeer([{ ...first!, city: 'Leoben' }, second!], card)).toEqual([
      { poBox: '7', street: 'Hauptplatz 1', city: 'Leoben', country: 'Austria', types: ['work', 'dom'], primary: true },
      { street: 'Ring 2', city: 'Wien', country: 'AT', label: 'Lab' },
    ]);
  });

  it('names the country of a new one in English', () => {
    expect(toPeer([{ city: 'Paris', countryCode: 'FR', label: 'home' }], null)).toEqual([
      { city: 'Paris', country: 'France', types: ['home'] },
    ]);
  });
});

it('a phone whose number a card writes otherwise keeps its types and the rest of its item', () => {
  const { toPeer } = lensOf('phones', 'CONTACT_LIST');
  const card: JsonValue = [{ number: '0316 123 456', types: ['work', 'fax', 'voice'] }];
  expect(toPeer([{ number: '+43316123456', label: 'fax' }], card)).toEqual([
    { number: '+43316123456', types: ['work', 'fax', 'voice'] },
  ]);
});
