import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { licenceFaults } from '../licence-faults.ts';
import type { LockedPackage } from '../lockfile-faults.ts';

test.each<[outcome: string, locked: LockedPackage, faults: unknown[]]>([
  ['takes a permissive licence for production', { license: 'MIT' }, []],
  ['takes one permissive licence of a choice', { license: '(GPL-3.0 OR MIT)' }, []],
  ['takes several licences when all are permissive', { license: '(Apache-2.0 AND BSD-3-Clause)' }, []],
  ['takes MPL-2.0 for development', { license: 'MPL-2.0', dev: true }, []],
  ['refuses MPL-2.0 for production', { license: 'MPL-2.0' }, [expect.stringContaining('of production')]],
  ['refuses GPL for development too', { license: 'GPL-3.0', dev: true }, [expect.stringContaining('of development')]],
  ['refuses several licences of which one is not permissive', { license: '(MIT AND GPL-3.0)' }, [expect.any(String)]],
  ['refuses a package without a licence', {}, [expect.stringContaining('names no licence')]],
  ['refuses what SPDX does not know', { license: 'SEE LICENSE IN LICENSE' }, [expect.any(String)]],
])('%s', (_, locked, faults) => {
  expect(licenceFaults({ 'node_modules/a': locked })).toEqual(faults);
});

test('looks at packages of others only', () => {
  expect(licenceFaults({ '': {}, 'apps/edge': {}, 'node_modules/@rapport/edge': { link: true } })).toEqual([]);
});

test('the packages that are locked have allowed licences', () => {
  const { packages } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
    packages: Record<string, LockedPackage>;
  };
  expect(licenceFaults(packages)).toEqual([]);
});
