import { readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { memoryFolder } from './tools/memory-folder.ts';
import { ownPlatforms } from './tools/own-platforms.ts';

/** The modules that start a platform for several files. */
const sharedPlatforms = Object.keys(ownPlatforms).filter((file) => !file.endsWith('.test.ts'));

/** The one test set-up: every project writes its totals where the test command can add them up. */
export function vitestConfig(projectRoot: string, overrides: ViteUserConfig['test'] = {}): ViteUserConfig {
  // Where `@rapport/testing` notes how long processes took to start, for the end of `npm test`.
  process.env['RAPPORT_STARTS_FILE'] = join(projectRoot, 'test-results/starts.ndjson');
  // As `npm test` sets it. The long forms may write more than fits into memory.
  const temporary = process.env['SOAK'] === '1' ? undefined : memoryFolder();
  if (temporary !== undefined) process.env['TMPDIR'] ??= temporary;
  return defineConfig({
    root: projectRoot,
    test: {
      include: ['src/**/*.spec.ts', 'test/**/*.test.ts'],
      reporters: ['default', 'json'],
      // The long forms take up to hours: each tally is printed as it comes.
      disableConsoleIntercept: process.env['SOAK'] === '1',
      outputFile: { json: 'test-results/vitest.json' },
      sequence: { sequencer: PureFirst },
      // Files share the modules that they load, of which no test changes anything: to load them anew, and to have them compiled
      // anew, took a third of the time.
      isolate: false,
      // A worker that loads hundreds of files has hundreds of megabytes that stay: V8 would mark all of them again and again.
      execArgv: ['--max-semi-space-size=64', '--initial-old-space-size=1024'],
      // Node loads built libraries itself: to transform them takes seconds of each project's first run.
      server: { deps: { external: [/\/libs\/[\w-]+\/dist\//] } },
      // What takes milliseconds here takes seconds on a machine that does other things: these bound a hang, and no test relies on them.
      testTimeout: 120_000,
      hookTimeout: 300_000,
      // Most conditions are read from a running service, at some 8 ms of processor time.
      expect: { poll: { timeout: 60_000, interval: 100 } },
      // What failed once, elsewhere, is all that there is to find its cause with.
      chaiConfig: { truncateThreshold: 2_000 },
      ...overrides,
      // Of `npm run test:quick`: nothing is started.
      ...(process.env['ONLY_PURE_TESTS'] === '1' && { include: ['src/**/*.spec.ts'], globalSetup: [] }),
    },
  });
}

/**
 * Tests of pure code first: what is wrong there shows in seconds. Then the longest, so that no worker is left alone with one. Files
 * that share a platform of their own follow each other: it runs for no longer than they do (`sharedInTurn`). Last those that load
 * modules anew, as all files after them would have to.
 */
class PureFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rank(one) - rank(other));
  }
}

function rank({ moduleId }: TestSpecification): number {
  if (moduleId.endsWith('.spec.ts')) return 0;
  if (relative(import.meta.dirname, moduleId) in ownPlatforms) return 1;
  if (moduleId.includes('/test/referring-')) return Number.MAX_SAFE_INTEGER;
  const text = readFileSync(moduleId, 'utf8');
  return 2 + (sharedPlatforms.findIndex((file) => text.includes(`/${basename(file)}'`)) + 1);
}
