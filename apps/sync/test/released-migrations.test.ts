import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockingChanges, migrationDigests } from '@rapport/testing';
import { expect, test } from 'vitest';
import { migrations } from '../src/database.js';

const released = JSON.parse(readFileSync(join(import.meta.dirname, 'released-migrations.json'), 'utf8')) as object;

test('released migrations run the SQL that they were released with, in the same order', () => {
  const digests = Object.entries(migrationDigests(migrations)).slice(0, Object.keys(released).length);

  expect(digests).toEqual(Object.entries(released));
});

test('no migration holds up the writes of a table that a release has filled', () => {
  expect(lockingChanges(migrations, Object.keys(released))).toEqual([]);
});
