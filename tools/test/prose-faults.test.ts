import { expect, test } from 'vitest';
import { hasProse, proseFaults } from '../prose-faults.ts';

/** Refused texts, split so that this file does not match. */
const refused = [
  ['who', 'ever'],
  ['Who', ' may read'],
  ['some', 'body'],
  ['by which', ' way'],
  ['an edge is to', 'ld'],
  ['it tells', ' the edge'],
  ['isTo', 'ld'],
  ['the flo', 'or of a tag'],
  ['checkSi', 'ght'],
  ['mour', 'ning'],
  ['a cro', 'wd'],
  ['roll', ' call'],
  ['runLa', 'nes'],
  ['maxOnThe', 'Way'],
].map((parts) => parts.join(''));

test.each(refused)('refuses "%s" with its place', (text) => {
  expect(proseFaults(new Map([['docs/a.md', `Good.\n${text}`]]), [])).toEqual([
    expect.stringMatching(/^docs\/a\.md:2: ".+" \(write .+\)$/),
  ]);
});

test.each(['Math.floor(x)', '2nd floor', 'lane text not null', 'tells rounds apart', 'always', 'two-way sync'])(
  'accepts "%s"',
  (text) => expect(proseFaults(new Map([['a.ts', text]]), [])).toEqual([]),
);

test('an exception is for a file that needs it, and all have at most 20 lines', () => {
  const texts = new Map([
    ['a.ts', `${refused[0]}\n`.repeat(21)],
    ['b.ts', ''],
  ]);
  const exceptions = ['a.ts', 'b.ts'].map((file) => ({ file, reason: 'released' }));

  expect(proseFaults(texts, exceptions)).toEqual([
    'b.ts: its exception is not needed (released)',
    'Exceptions have 21 lines of prose, which is more than 20',
  ]);
  expect(
    proseFaults(new Map([['a.ts', refused.slice(0, 2).join('\n')]]), [{ file: 'a.ts', reason: 'released' }]),
  ).toEqual([]);
});

test('the rules apply to proto, TypeScript and Markdown, but not to the changelog', () => {
  const files = ['proto/a.proto', 'tools/a.ts', 'tools/a.mjs', 'docs/a.md', 'CHANGELOG.md', 'a.json'];
  expect(files.filter(hasProse)).toEqual(files.slice(0, 4));
});
