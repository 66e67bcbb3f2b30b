import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vitestConfig } from '../vitest.base.ts';

/** Two lanes run beside each other: `shared` has the files that use the shared platforms, `own` the others. Without one all files run. */
const lane = process.env['TEST_LANE'];

export default vitestConfig(import.meta.dirname, {
  ...(lane && { include: filesOf(lane), outputFile: { json: `test-results/${lane}.json` } }),
  globalSetup: ['test/make-template.ts', 'test/share-platform.ts'],
});

function filesOf(name: string): string[] {
  const isShared = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8').includes('inject(');
  return globSync('test/**/*.test.ts', { cwd: import.meta.dirname }).filter(
    (file) => isShared(file) === (name === 'shared'),
  );
}
