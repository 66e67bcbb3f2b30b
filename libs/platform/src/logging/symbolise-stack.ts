import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SourcePositions, type SourceMapText } from './source-positions.js';

/** The end of a stack line: `file:///app/dist/main.js:12:3456)`, or a path. */
const position = /^(.+\.js):(\d+):(\d+)(\)?)$/;
const root = process.cwd();

/**
 * Source maps by the bundle's path; undefined where there is none. Read when an error is logged, so that only logged
 * errors cost it.
 */
const maps = new Map<string, SourcePositions | undefined>();

/** Replaces positions in bundles by positions in the sources, using the source maps beside the bundles. */
export function symboliseStack(stack: string): string {
  return stack.split('\n').map(symboliseLine).join('\n');
}

function symboliseLine(line: string): string {
  const start = Math.max(line.lastIndexOf('('), line.lastIndexOf(' ')) + 1;
  const [, file = '', row, column, end = ''] = position.exec(line.slice(start)) ?? [];
  const bundle = file.startsWith('file:') ? fileURLToPath(file) : file;
  const map = bundle === '' ? undefined : mapOf(bundle);
  const found = map?.find(Number(row) - 1, Number(column) - 1);
  if (!found) return line;
  const source = relative(root, resolve(dirname(bundle), found.source));
  return `${line.slice(0, start)}${source}:${found.line + 1}:${found.column + 1}${end}`;
}

function mapOf(bundle: string): SourcePositions | undefined {
  if (!maps.has(bundle)) maps.set(bundle, readMap(`${bundle}.map`));
  return maps.get(bundle);
}

function readMap(file: string): SourcePositions | undefined {
  if (file.includes('/node_modules/') || !existsSync(file)) return undefined;
  return new SourcePositions(JSON.parse(readFileSync(file, 'utf8')) as SourceMapText);
}
