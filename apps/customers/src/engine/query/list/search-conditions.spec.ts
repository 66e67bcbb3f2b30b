import { expect, test } from 'vitest';
import { typoTerms } from '../../fields/terms.js';
import { partsOf } from './search-conditions.js';

const letters = Array.from('abcdeł');
const pick = () => letters[Math.floor(Math.random() * letters.length)] ?? '';

function wordOf(length: number): string {
  return Array.from({ length }, pick).join('');
}

/** The word with one substituted, missing, extra or transposed letter. */
function withTypo(word: string): string {
  const at = Math.floor(Math.random() * word.length);
  const [before, letter = '', after] = [word.slice(0, at), word.slice(at, at + 1), word.slice(at + 1)];
  switch (Math.floor(Math.random() * 4)) {
    case 0:
      return before + pick() + after;
    case 1:
      return before + after;
    case 2:
      return before + letter + pick() + after;
    default:
      return before + after.slice(0, 1) + letter + after.slice(1);
  }
}

test('a name that shares a term with a word contains one of the three parts of the word', () => {
  let shared = 0;
  for (let run = 0; run < 20_000; run += 1) {
    const name = wordOf(5 + (run % 11));
    const word = withTypo(run % 3 === 0 ? withTypo(name) : name);
    if (Array.from(word).length < 4) continue;
    const terms = new Set(typoTerms(name));
    if (!typoTerms(word).some((term) => terms.has(term))) continue;
    shared += 1;
    expect(
      partsOf(word).some((part) => name.includes(part)),
      `${word} resembles ${name}`,
    ).toBe(true);
  }

  expect(shared).toBeGreaterThan(5_000);
});
