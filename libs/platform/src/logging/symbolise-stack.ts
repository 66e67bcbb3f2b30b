import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapping } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The end of a stack line: `file:///app/dist/main.js:12:3456)`, or a path. */
const position = /^(.+\.js):(\d+):(\d+)(\)?)$/;
const root = process.cwd();

/**
 * Source maps by the bundle's path; undefined where there is none. Read when an error is logged, so that only logged
 * errors cost it.
 */
const maps = new Map<string, SourceMap | undefined>();

/** Replaces positions in bundles by positions in the sources, using the source maps beside the bundles. */
export function symboliseStack(stack: string): string {
  return stack.split('\n').map(symboliseLine).join('\n');
}

function symboliseLine(line: string): string {
  const start = Math.max(line.lastIndexOf('('), line.lastIndexOf(' ')) + 1;
  const [, file = '', row, column, end = ''] = position.exec(line.slice(start)) ?? [];
  const bundle = file.startsWith('file:') ? fileURLToPath(file) : file;
  const map = bundle === '' ? undefined : mapOf(bundle);
  const entry: Partial<SourceMapping> = map?.findEntry(Number(row) - 1, Number(column) - 1) ?? {};
  const { originalSource, originalLine = 0, originalColumn = 0 } = entry;
  if (originalSource === undefined) return line;
  const source = relative(root, resolve(dirname(bundle), originalSource));
  return `${line.slice(0, start)}${source}:${originalLine + 1}:${originalColumn + 1}${end}`;
}

function mapOf(bundle: string): SourceMap | undefined {
  if (!maps.has(bundle)) maps.set(bundle, readMap(`${bundle}.map`));
  return maps.get(bundle);
}

function readMap(file: string): SourceMap | undefined {
  if (file.includes('/node_modules/') || !existsSync(file)) return undefined;
  return new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as ConstructorParameters<typeof SourceMap>[0]);
}
