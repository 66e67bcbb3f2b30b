import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importSource } from '@rapport/testing';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

test('docs/architecture.md has at most 300 lines, and no table cell over 120 characters', () => {
  const lines = read('docs/architecture.md').split('\n');
  const cells = lines.filter((line) => line.startsWith('|')).flatMap((line) => line.split('|'));
  expect(lines.length).toBeLessThanOrEqual(300);
  expect(cells.filter((cell) => cell.trim().length > 120)).toEqual([]);
});

test('docs/architecture.md shows the folders of customers', async () => {
  const { picture } = await importSource<{ picture: () => string }>(join(root, 'apps/customers/folders.ts'));
  expect(read('docs/architecture.md')).toContain(`\n\`\`\`text\n${picture()}\n\`\`\`\n`);
});

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
