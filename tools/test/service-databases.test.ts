import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { queryDatabase, sharedPlatform } from '@rapport/testing';
import { expect, inject, it } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The apps with a database, by their tags. */
const services = globSync('apps/*/project.json', { cwd: root })
  .filter((path) =>
    (JSON.parse(readFileSync(join(root, path), 'utf8')) as { tags: string[] }).tags.includes('type:service'),
  )
  .map((path) => dirname(path));

const platform = await sharedPlatform(inject('platformUrl'));

it.each(services)('%s has a test of every table of its database', (service) => {
  const path = join(root, service, 'test/database.test.ts');
  const test = existsSync(path) ? readFileSync(path, 'utf8') : '';
  expect(test).toMatch(/expect\(await catalogFaults\([\w.]+\.urls\.appUrl\b[^)]*\)\)\.toEqual\(\[\]\)/);
  expect(test).toMatch(/expect\(await schemaDifference\(/);
});

it('every database belongs to such a service', async () => {
  const url = platform.customersDatabase.superuserUrl;
  const rows = await queryDatabase<{ name: string }>(
    url,
    `select datname as name from pg_database where not datistemplate and datname <> 'postgres' order by 1`,
  );
  // The key database is the second one of customers, and its test covers it as well.
  const own = rows.map(({ name }) => name).filter((name) => name !== 'keys');
  expect(rows).toHaveLength(own.length + 1);
  expect(own.map((name) => `apps/${name}`)).toEqual(services.toSorted());
});
