import { expect, test } from 'vitest';
import { lockfileFaults, type LockedPackage } from '../lockfile-faults.ts';

const integrity = 'sha512-AAAA';

test.each<[why: string, folder: string, locked: LockedPackage, faults: unknown[]]>([
  ['from the registry', 'node_modules/a', { integrity }, []],
  ['of ours', 'node_modules/@rapport/edge', { link: true, resolved: 'apps/edge' }, []],
  ['that is the repository itself', '', {}, []],
  ['of ours where it lies', 'apps/edge', {}, []],
  [
    'from elsewhere',
    'node_modules/a',
    { integrity, resolved: 'https://example.com/a.tgz' },
    [expect.stringContaining('https://example.com')],
  ],
  [
    'from a repository',
    'node_modules/a/node_modules/b',
    { resolved: 'git+ssh://git@example.com/b.git' },
    [expect.stringContaining('address of its own'), expect.stringContaining('no SHA-512')],
  ],
  ['with a weak digest', 'node_modules/a', { integrity: 'sha1-AAAA' }, [expect.stringContaining('no SHA-512')]],
  ['that links out', 'node_modules/a', { link: true, resolved: '../a' }, [expect.stringContaining('is not ours')]],
])('judges a package %s', (_, folder, locked, faults) => {
  expect(lockfileFaults({ [folder]: locked }, ['apps/edge'])).toEqual(faults);
});
