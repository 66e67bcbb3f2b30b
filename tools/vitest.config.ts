import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vitestConfig } from '../vitest.base.ts';

/**
 * Set by `test-groups.ts`: `alone` has the files that need the whole machine, `shared` those that use the shared platforms, `own` the
 * others. All files run without it.
 */
const group = process.env['TEST_GROUP'];

/** An edge that is not scheduled for half a second loses Redis, and its requests wait until they find no place. */
const alone = ['test/limits.test.ts'];

export default vitestConfig(import.meta.dirname, {
  ...(group && { include: filesOf(group), outputFile: { json: `test-results/${group}.json` } }),
  environment: '../vitest.environment.ts',
  testTimeout: 120_000,
  globalSetup: ['test/make-template.ts', 'test/share-platform.ts'],
});

function filesOf(name: string): string[] {
  return globSync('test/**/*.test.ts', { cwd: import.meta.dirname }).filter((file) => groupOf(file) === name);
}

function groupOf(file: string): string {
  if (alone.includes(file)) return 'alone';
  return readFileSync(join(import.meta.dirname, file), 'utf8').includes('inject(') ? 'shared' : 'own';
}
