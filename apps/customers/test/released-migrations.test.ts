import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockingChanges, migrationDigests } from '@rapport/testing';
import { expect, test } from 'vitest';
import { migrations } from '../src/migrations.js';

const released = JSON.parse(readFileSync(join(import.meta.dirname, 'released-migrations.json'), 'utf8')) as object;

test('released migrations are unchanged, and in the same order', () => {
  const digests = Object.entries(migrationDigests(migrations)).slice(0, Object.keys(released).length);

  expect(digests).toEqual(Object.entries(released));
});

test('no migration holds up the writes of a table that a release has filled', () => {
  // A tenant defines a few hundred fields at most.
  expect(lockingChanges(migrations, Object.keys(released), ['custom_field'])).toEqual([]);
});
