import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** A prepared statement with its name and text, as far as both are literal. */
const statement = /\bname: '([a-z_]+)',\s*(?:sql|text):\s*(`[^`]*`|'[^']*'|\w+)/g;

// PostgreSQL prepares a statement once for a connection. A process refuses the second text of a name, so that the call that comes
// later fails, whichever that is.
test.each(['auth', 'customers', 'sync'])('%s gives each statement a name of its own', (app) => {
  const folders = [`apps/${app}/src`, 'libs/persistence/src'];
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...folders], {
    cwd: root,
  })
    .toString()
    .trim()
    .split('\n')
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'));
  const found = files.flatMap((file) => [...readFileSync(join(root, file), 'utf8').matchAll(statement)]);
  const texts = Map.groupBy(found, ([, name]) => name);
  const clashing = [...texts].filter(([, all]) => new Set(all.map(([, , text]) => text)).size > 1);

  expect(found.length).toBeGreaterThan(10);
  expect(clashing.map(([name]) => name)).toEqual([]);
});
