import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const document = readFileSync(join(root, 'SECURITY.md'), 'utf8');
const threats = document.split('\n').filter((line) => /^\| (?:API|V)\d/.test(line));

test('every threat that SECURITY.md names has a control and links to a test that is there', () => {
  expect(threats.length).toBeGreaterThan(30);
  const unproven = threats.filter((line) => {
    const [, , threat = '', control = '', tests = ''] = line.split('|').map((cell) => cell.trim());
    const paths = [...tests.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path);
    const isProven = paths.length > 0 && paths.every((path) => isTest(path) && existsSync(join(root, path)));
    return threat === '' || control === '' || !isProven;
  });
  expect(unproven).toEqual([]);
});

test('every item of the OWASP API Security Top 10 and every chapter of the ASVS that applies has a threat', () => {
  const items = new Set(
    threats.flatMap(
      (line) =>
        line
          .split('|')[1]
          ?.split(',')
          .map((item) => item.trim()) ?? [],
    ),
  );
  const wanted = [
    ...Array.from({ length: 10 }, (_, index) => `API${index + 1}`),
    ...Array.from({ length: 16 }, (_, index) => `V${index + 1}`),
  ];
  expect(wanted.filter((item) => !items.has(item))).toEqual([]);
});

function isTest(path: string): boolean {
  return /\.(?:test|spec)\.ts$/.test(path);
}
