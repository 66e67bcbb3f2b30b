import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../peer-record.js';
import type { VCard } from './card.js';
import { contactOfCard } from './contact-of-card.js';
import { editCard, newCard } from './edit-card.js';
import { formatCard } from './format-card.js';
import { parseCard } from './parse-card.js';
import { splitCards } from './split-cards.js';

async function parse(content: string | Buffer): Promise<VCard> {
  for await (const raw of splitCards(Readable.from([Buffer.from(content)]))) return parseCard(raw);
  return expect.fail('There is no card.');
}

function edit(card: VCard, fields: JsonObject): VCard {
  const edited = editCard(card, fields);
  return 'card' in edited ? edited.card : expect.fail(JSON.stringify(edited.issues));
}

const text = (...lines: string[]) => ['BEGIN:VCARD', ...lines, 'END:VCARD', ''].join('\r\n');

const words = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .map((own) => own.replace(/\p{Cc}/gu, '').trim());
const word = words.filter((own) => own !== '');
const types = fc.uniqueArray(fc.constantFrom('work', 'home', 'cell', 'x-own'), { minLength: 1, maxLength: 2 });
const email = fc.record(
  { address: word.map((own) => `a@b${own}`), types, label: word, primary: fc.constant(true as const) },
  { requiredKeys: ['address'] },
);
const address = fc.record({ street: word, city: word, country: word, types }, { requiredKeys: ['street'] });
const contact = fc.record({
  displayName: word,
  familyName: word,
  organization: word,
  note: word,
  emails: fc.array(email, { minLength: 1, maxLength: 4 }),
  addresses: fc.array(address, { minLength: 1, maxLength: 3 }),
}) as fc.Arbitrary<unknown> as fc.Arbitrary<JsonObject>;

describe('editing a card', () => {
  it('gives back every field as it was written, in every version, and keeps all other lines', async () => {
    const version = fc.constantFrom('2.1', '3.0', '4.0');
    const others = ['X-OWN;X-P="a;b:c":Größe', 'item1.IMPP:xmpp:a', 'item1.X-ABLabel:Chat'];
    await fc.assert(
      fc.asyncProperty(version, contact, contact, async (own, first, second) => {
        fc.pre(own !== '2.1' || !JSON.stringify([first, second]).includes('\\\\'));
        const before = await parse(text(`VERSION:${own}`, 'FN:Ada', ...others, 'EMAIL;TYPE=HOME:old@example.com'));
        const once = await parse(formatCard(edit(before, first)));
        expect(contactOfCard(once)).toEqual({ fields: first, issues: [] });
        const twice = await parse(formatCard(edit(once, second)));
        expect(contactOfCard(twice)).toEqual({ fields: second, issues: [] });
        const lines = formatCard(twice).toString().split('\r\n');
        expect(lines).toEqual(expect.arrayContaining(others));
        if (own !== '2.1') expect(lines.every((line) => Buffer.byteLength(line) <= 75)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('that changes nothing leaves every byte', async () => {
    const given = text('VERSION:3.0', 'FN:Ada', 'TEL;type=CELL;type=pref:1', 'NOTE:a very', '  long line', 'X:1');
    const card = await parse(given);
    expect(formatCard(edit(card, contactOfCard(card).fields)).toString()).toBe(given);
  });

  it('keeps what a phone of version 4.0 says besides, and the order that is asked for', async () => {
    const card = await parse(
      text('VERSION:4.0', 'FN:Ada', 'TEL;VALUE=uri;TYPE="voice,home";PREF=1;X-A=1:tel:+1-555-0100;ext=1', 'TEL:2'),
    );
    const { phones } = contactOfCard(card).fields as { phones: JsonObject[] };
    expect(phones).toEqual([{ number: '+1-555-0100;ext=1', types: ['voice', 'home'], primary: true }, { number: '2' }]);
    const changed = edit(card, { phones: [{ number: '2' }, { number: '+1-555-0100;ext=1', types: ['voice'] }] });
    const lines = formatCard(changed).toString().split('\r\n');
    expect(lines.filter((line) => line.startsWith('TEL'))).toEqual([
      'TEL:2',
      'TEL;TYPE=voice;VALUE=uri;X-A=1:tel:+1-555-0100;ext=1',
    ]);
  });

  it('keeps a property that cannot be read, and the second of two', async () => {
    const given = text(
      'VERSION:3.0',
      'FN:Ada',
      'EMAIL;CHARSET=nonsense:x',
      'EMAIL:a@example.com',
      'TITLE:One',
      'TITLE:Two',
    );
    const edited = edit(await parse(given), { emails: [{ address: 'b@example.com' }], jobTitle: 'Three' });
    const lines = formatCard(edited).toString().split('\r\n');
    expect(lines).toEqual(
      expect.arrayContaining(['EMAIL;CHARSET=nonsense:x', 'EMAIL:b@example.com', 'TITLE:Three', 'TITLE:Two']),
    );
    expect(lines).not.toContain('EMAIL:a@example.com');
  });

  describe('whose items have groups and labels', () => {
    const apple = [
      'VERSION:3.0',
      'FN:Ada',
      'item1.EMAIL;type=INTERNET;X-KEEP=1:ada@example.com',
      'item1.X-ABLabel:_$!<Other>!$_',
      'item2.ADR;type=WORK;X-KEEP=2:;;Hauptplatz 1;Graz;;8010;Austria',
      'item2.X-ABADR:at',
      'item2.X-ABLabel:Lab',
      'item3.X-ABLabel:of nothing that we know',
      'TEL;type=CELL;X-KEEP=3:0316 123 456',
    ];
    const linesOf = (card: VCard) => formatCard(card).toString().split('\r\n');

    it('keeps group, parameters and what belongs to the group when a label changes', async () => {
      const card = edit(await parse(text(...apple)), { emails: [{ address: 'ada@example.com', label: 'Private' }] });
      expect(linesOf(card)).toEqual(
        expect.arrayContaining([
          'item1.EMAIL;TYPE=internet;X-KEEP=1:ada@example.com',
          'item1.X-ABLabel:Private',
          ...apple.slice(4),
        ]),
      );
      expect(linesOf(card)).not.toContain('item1.X-ABLabel:_$!<Other>!$_');
    });

    it('keeps group, parameters and label of an address of which a part changes', async () => {
      const before = await parse(text(...apple));
      const [address] = contactOfCard(before).fields['addresses'] as JsonObject[];
      const card = edit(before, { addresses: [{ ...address!, city: 'Leoben' }] });
      expect(linesOf(card)).toEqual(
        expect.arrayContaining([
          'item2.ADR;TYPE=work;X-KEEP=2:;;Hauptplatz 1;Leoben;;8010;Austria',
          ...['item2.X-ABADR:at', 'item2.X-ABLabel:Lab', 'item3.X-ABLabel:of nothing that we know'],
        ]),
      );
    });

    it('keeps the parameters of a number that is written otherwise', async () => {
      const card = edit(await parse(text(...apple)), { phones: [{ number: '+43316123456', types: ['cell'] }] });
      expect(linesOf(card)).toContain('TEL;TYPE=cell;X-KEEP=3:+43316123456');
    });

    it('drops a label with the last property that it names', async () => {
      const card = edit(await parse(text(...apple)), { emails: null });
      expect(linesOf(card).filter((line) => line.startsWith('item1'))).toEqual([]);
    });
  });

  it('keeps each list of categories, and adds to the last one', async () => {
    const card = await parse(text('VERSION:3.0', 'FN:Ada', 'CATEGORIES;X-A=1:vip,new', 'CATEGORIES:old'));
    const lines = (fields: JsonObject) =>
      formatCard(edit(card, fields))
        .toString()
        .split('\r\n')
        .filter((line) => line.startsWith('CATEGORIES'));
    expect(lines({ categories: ['vip', 'new', 'old', 'more'] })).toEqual([
      'CATEGORIES;X-A=1:vip,new',
      'CATEGORIES:old,more',
    ]);
    expect(lines({ categories: ['vip', 'old'] })).toEqual(['CATEGORIES;X-A=1:vip', 'CATEGORIES:old']);
    expect(lines({ categories: ['old', 'vip'] })).toEqual(['CATEGORIES;X-A=1:old,vip']);
    expect(lines({ categories: null })).toEqual([]);
  });

  it('refuses what cannot be written, with the field', () => {
    const refused = (fields: JsonObject) => {
      const made = newCard('key', { displayName: 'Ada', ...fields });
      return 'issues' in made ? made.issues.map(({ field }) => field) : [];
    };
    expect(refused({ nothing: 'x' })).toEqual(['nothing']);
    expect(refused({ uid: 'x' })).toEqual(['uid']);
    expect(refused({ note: 'a\0b' })).toEqual(['note']);
    expect(refused({ emails: [{ address: 'a@b\r\nX:injected' }] })).toEqual(['emails[0].address']);
    expect(refused({ phones: [{ number: '1', types: ['a:b'] }] })).toEqual(['phones[0].types']);
    expect(refused({ urls: [{ link: 'x' }] })).toEqual(['urls[0].link']);
    expect(refused({ categories: ['a', 'b,c'] })).toEqual(['categories[1]']);
    expect(refused({ birthDate: '12 April' })).toEqual(['birthDate']);
    expect(refused({ displayName: null })).toEqual(['displayName']);
  });
});
