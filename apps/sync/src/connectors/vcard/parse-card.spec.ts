import { expect, it } from 'vitest';
import { parseCard } from './parse-card.js';

const card = (version: string, lines: readonly string[]) =>
  parseCard({ lines: ['BEGIN:VCARD', `VERSION:${version}`, ...lines, 'END:VCARD'], line: 7, complete: true });

// Time that grows with the square of the lines exceeds the timeout: a minute instead of a tenth of a second.
it('a quoted-printable value has a soft line break at each of 150,000 lines', { timeout: 20_000 }, () => {
  const { properties } = card('2.1', ['NOTE;QUOTED-PRINTABLE:=', ...Array<string>(150_000).fill('abcdefg='), 'end']);

  expect(properties.map(({ name, value }) => [name, value.length])).toEqual([
    ['VERSION', 3],
    ['NOTE', 150_000 * 7 + 3],
  ]);
});

it('a folded line loses one space, which 2.1 keeps, and a soft line break its sign', () => {
  const lines = ['NOTE;ENCODING=QUOTED-PRINTABLE:a=3D=', 'b', 'ORG:c', ' d', '  e'];

  expect(card('2.1', lines).properties.map(({ value }) => value)).toEqual(['2.1', 'a=3Db', 'c d  e']);
  expect(card('3.0', lines).properties.map(({ value }) => value)).toEqual(['3.0', 'a=3Db', 'cd e']);
});

it.each([
  ['properties', Array<string>(10_000).fill('x')],
  ['parameters', [`N${';'.repeat(128 * 1_024)}:a`]],
  ['parts of a name', [`N:${';'.repeat(65_537)}`]],
  ['escapes in all', Array<string>(2).fill(`NOTE:${'\\\\'.repeat(20_000)}`)],
  ['parameters of several properties', Array<string>(129).fill(`N${';'.repeat(1_023)}:a`)],
])('a card with too many %s is refused', (_, lines) => {
  expect(() => card('3.0', lines)).toThrow('The card at line 7 has more than 10000 properties, 131072 characters');
});

it('a photo of 6 MiB in one line is read', () => {
  const photo = 'A'.repeat(6 * 1_024 * 1_024);

  expect(card('3.0', [`PHOTO;ENCODING=b:${photo}`]).properties[1]?.value).toHaveLength(photo.length);
});
