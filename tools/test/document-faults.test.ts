import { expect, test } from 'vitest';
import { documentFaults } from '../document-faults.ts';

const files = ['README.md', 'docs/cache.md', 'docs/adr', 'apps/edge/test/cache.test.ts'];
const readme = '# Rapport\n\n## Promises\n\n- **Cache.** [Test](apps/edge/test/cache.test.ts)\n\n## Documents\n';
const cache = '# The cache\n\n## When something fails: all `modes`\n';

function faultsOf(documents: Record<string, string>): string[] {
  return documentFaults(new Map(Object.entries(documents)), (path) => files.includes(path));
}

test.each([
  'see [the cache](docs/cache.md), [decisions](docs/adr) and [its modes](docs/cache.md#when-something-fails-all-modes)',
  '[here](#documents) or [there](https://example.com/none.md#nowhere)',
  'code is no link: `[a](b)`, nor is\n\n```\n[a](b)\n```\n',
  '`apps/edge/test/cache.test.ts`, `apps/<area>/test/`, `apps/edge/dist/main.js` and `edge-cache.ts`',
])('accepts what leads somewhere: %s', (text) => {
  expect(faultsOf({ 'README.md': `${readme}${text}`, 'docs/cache.md': cache })).toEqual([]);
});

test.each([
  ['[file](docs/none.md)', 'docs/none.md'],
  ['[heading](docs/cache.md#nowhere)', 'docs/cache.md#nowhere'],
  ['[heading](#nowhere)', '#nowhere'],
  ['`libs/none.ts`', 'libs/none.ts'],
])('names what leads nowhere: %s', (text, target) => {
  expect(faultsOf({ 'README.md': `${readme}${text}`, 'docs/cache.md': cache })).toEqual([
    `README.md: there is no ${target}`,
  ]);
});

test('links are relative to their document', () => {
  const links = '[up](../README.md) [beside](adr)';
  expect(faultsOf({ 'README.md': readme, 'docs/cache.md': links })).toEqual([]);
  expect(faultsOf({ 'README.md': readme, 'docs/cache.md': '[down](docs/adr)' })).toEqual([
    'docs/cache.md: there is no docs/adr',
  ]);
});

test('README has at most 90 lines, and a test for each promise', () => {
  expect(faultsOf({ 'README.md': readme + '\n'.repeat(90) + 'end' })).toEqual(['README.md: 98 lines are more than 90']);
  expect(faultsOf({ 'README.md': readme.replace('- **Cache', '- **Speed.** It is fast.\n- **Cache') })).toEqual([
    'README.md: no test proves "**Speed.** It is fast."',
  ]);
  expect(faultsOf({ 'README.md': '# Rapport\n' })).toEqual(['README.md: it has no section "Promises"']);
});

test('the index of docs lists every page', () => {
  const index = '# Documentation\n\n[The cache](cache.md)\n';
  expect(faultsOf({ 'docs/README.md': index, 'docs/cache.md': cache })).toEqual([]);
  expect(faultsOf({ 'docs/README.md': '# Documentation\n', 'docs/cache.md': cache })).toEqual([
    'docs/README.md: it does not list cache.md',
  ]);
});

test('the glossary has at most 25 words, each once', () => {
  const glossary = (words: string[]) =>
    ['| Word | Is |', '| ---- | -- |', ...words.map((word) => `| ${word} | x |`)].join('\n');
  const words = Array.from({ length: 25 }, (_, index) => `word ${index}`);

  expect(faultsOf({ 'docs/glossary.md': glossary(words) })).toEqual([]);
  expect(faultsOf({ 'docs/glossary.md': glossary([...words, 'word 7']) })).toEqual([
    'docs/glossary.md: 26 words are more than 25',
    'docs/glossary.md: "word 7" stands twice',
  ]);
});
