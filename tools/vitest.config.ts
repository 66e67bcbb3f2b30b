import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vitestConfig } from '../vitest.base.ts';

/** By `test-lanes.ts`: `shared` has the files that use the shared platforms, `own` the others. Without one all files run. */
const lane = process.env['TEST_LANE'];

/** An edge that gets no turn for half a second takes Redis for gone, and then it grants another number of requests. */
const alone = ['test/limits.test.ts'];

export default vitestConfig(import.meta.dirname, {
  ...(lane && { include: filesOf(lane), outputFile: { json: `test-results/${lane}.json` } }),
  testTimeout: 120_000,
  globalSetup: ['test/make-template.ts', 'test/share-platform.ts'],
});

function filesOf(name: string): string[] {
  return globSync('test/**/*.test.ts', { cwd: import.meta.dirname }).filter((file) => laneOf(file) === name);
}

function laneOf(file: string): string {
  if (alone.includes(file)) return 'alone';
  return readFileSync(join(import.meta.dirname, file), 'utf8').includes('inject(') ? 'shared' : 'own';
}
