import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const dist = join(import.meta.dirname, '../dist');

/**
 * Most kilobytes of scripts, as gzip, that the first screen needs, and that any other one adds. The facts of the contract grow by 2 kB
 * with each record type.
 */
const most = { first: 220, screen: 60, contract: 60 };

const html = readFileSync(join(dist, 'index.html'), 'utf8');
const entries = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map(([, file = '']) => file);

/** A script and those that it imports before it runs. */
function withImports(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known;
  known.add(file);
  const text = readFileSync(join(dist, file), 'utf8');
  for (const [, name = ''] of text.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g))
    withImports(`assets/${name}`, known);
  return known;
}

function screensOf(files: ReadonlySet<string>): string[] {
  const texts = [...files].map((file) => readFileSync(join(dist, file), 'utf8'));
  const names = texts.flatMap((text) =>
    [...text.matchAll(/import\([`"']\.\/([\w.-]+\.js)[`"']\)/g)].map(([, name = '']) => name),
  );
  return [...new Set(names)].map((name) => `assets/${name}`);
}

function kilobytes(files: Iterable<string>): number {
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(join(dist, file))).length, 0) / 1_000;
}

test('the scripts of the first screen and of each other one are within their budgets', () => {
  const first = new Set(entries.flatMap((entry) => [...withImports(entry)]));
  const screens = screensOf(first).map((screen) => {
    const added = [...withImports(screen)].filter((file) => !first.has(file));
    return { screen, size: kilobytes(added) };
  });
  process.stdout.write(
    `first ${kilobytes(first).toFixed(1)} kB, largest screen ${Math.max(...screens.map(({ size }) => size)).toFixed(1)} kB\n`,
  );

  expect(screens.length).toBeGreaterThan(10);
  expect(kilobytes(first)).toBeLessThanOrEqual(most.first);
  expect(screens.filter(({ size }) => size > most.screen)).toEqual([]);
});

test('the facts of the contract are within their budget', () => {
  const contract = gzipSync(readFileSync(join(import.meta.dirname, '../src/gen/contract.json'))).length / 1_000;
  expect(contract).toBeLessThanOrEqual(most.contract);
});
