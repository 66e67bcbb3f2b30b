import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** A prepared statement with its name and text, as far as both are literal. */
const statement = /\bname: '([a-z_]+)',\s*(?:sql|text):\s*(`[^`]*`|'[^']*'|\w+)/g;

/** The texts of the sources of an app and of persistence. */
function sourcesOf(app: string): string[] {
  const folders = [`apps/${app}/src`, 'libs/persistence/src'];
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...folders], { cwd: root })
    .toString()
    .trim()
    .split('\n')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => readFileSync(join(root, file), 'utf8'));
}

// PostgreSQL prepares a statement once for a connection. A process refuses the second text of a name, so that the call that comes
// later fails, whichever that is.
test.each(['auth', 'customers', 'sync'])('%s gives each statement a name of its own', (app) => {
  const found = sourcesOf(app).flatMap((source) => [...source.matchAll(statement)]);
  const texts = Map.groupBy(found, ([, name]) => name);
  const clashing = [...texts].filter(([, all]) => new Set(all.map(([, , text]) => text)).size > 1);

  expect(found.length).toBeGreaterThan(10);
  expect(clashing.map(([name]) => name)).toEqual([]);
});

/** Columns of numbers that JavaScript gets as texts. */
const numbers = ['number', 'position', 'sequence', 'start', 'uid', 'version'];

// A name in ORDER BY is first that of a result: `select number::text … order by number` sorts 10 before 9.
test.each(['auth', 'customers', 'sync'])('%s sorts no statement by the text of a number', (app) => {
  const sorted = sourcesOf(app)
    .flatMap((source) => [...source.matchAll(/`[^`]*\border by\b[^`]*`/g)])
    .map(([sql]) => sql.replaceAll(/\s+/g, ' '));
  const wrong = sorted.filter((sql) =>
    numbers.some((name) =>
      new RegExp(`\\b${name}::text\\b(?! as).*order by ([\\w, ]+, ?)?${name}\\b(?!\\.)`).test(sql),
    ),
  );

  expect(sorted.length).toBeGreaterThan(10);
  expect(wrong).toEqual([]);
});
