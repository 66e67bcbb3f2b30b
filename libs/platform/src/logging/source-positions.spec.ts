import { readFileSync } from 'node:fs';
import { createRequire, SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { SourcePositions, type SourceMapText } from './source-positions.js';

const ajv = createRequire(import.meta.url).resolve('ajv');

it('finds what the source map of Node finds, at each column of a bundle', () => {
  const file = join(dirname(ajv), 'core.js');
  const text = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as SourceMapText & { names: string[] };
  const lines = readFileSync(file, 'utf8').split('\n');
  const [ours, nodes] = [
    new SourcePositions(text),
    new SourceMap({ ...text, version: 3, file, sourceRoot: '' } as never),
  ];

  const differences: string[] = [];
  let found = 0;
  for (const [line, { length }] of lines.entries()) {
    for (let column = 0; column <= length; column++) {
      const entry = nodes.findEntry(line, column);
      const isOfLine = 'generatedLine' in entry && entry.generatedLine === line;
      const expected = isOfLine
        ? { source: entry.originalSource, line: entry.originalLine, column: entry.originalColumn }
        : undefined;
      const actual = ours.find(line, column);
      if (actual) found++;
      if (JSON.stringify(actual) !== JSON.stringify(expected)) differences.push(`${line}:${column}`);
    }
  }

  expect(differences).toEqual([]);
  expect(found).toBeGreaterThan(10_000);
});

it('knows no source of a mapping without one, nor of a position past the last line', () => {
  // Line 1: column 1 is of the source, column 5 of none ("I"). Line 2 is empty.
  const positions = new SourcePositions({ sources: ['a.ts'], mappings: 'AAAA,I;' });

  expect(positions.find(0, 3)).toEqual({ source: 'a.ts', line: 0, column: 0 });
  expect([positions.find(0, 4), positions.find(1, 0), positions.find(2, 0), positions.find(-1, 0)]).toEqual(
    Array(4).fill(undefined),
  );
});
