import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { symboliseStack } from './symbolise-stack.js';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rapport-maps-'));
  // Column 1 of the bundle's only line is line 7, column 3 of the source ("AAME": bundle column, source, line, column).
  const map = { version: 3, sources: ['../src/write-customer.ts'], names: [], mappings: 'AAME' };
  writeFileSync(join(folder, 'main.js.map'), JSON.stringify(map));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('maps positions of a bundle to its source, for paths and file URLs', () => {
  const bundle = join(folder, 'main.js');
  const stack = `Error: broken\n    at write (${pathToFileURL(bundle).href}:1:1)\n    at ${bundle}:1:1`;

  const lines = symboliseStack(stack).split('\n');

  expect(lines[0]).toBe('Error: broken');
  expect(lines[1]).toMatch(/^ {4}at write \(.*src\/write-customer\.ts:7:3\)$/);
  expect(lines[2]).toMatch(/^ {4}at .*src\/write-customer\.ts:7:3$/);
});

it('leaves lines without a source map unchanged', () => {
  const stack = 'Error: broken\n    at read (/opt/other/main.js:3:14)\n    at node:internal/process/task_queues:104:5';

  expect(symboliseStack(stack)).toBe(stack);
});
