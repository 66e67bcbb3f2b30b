import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** The one test set-up: every project writes its totals where the test command can add them up. */
export function vitestConfig(projectRoot: string, overrides: ViteUserConfig['test'] = {}): ViteUserConfig {
  return defineConfig({
    root: projectRoot,
    test: {
      include: ['src/**/*.spec.ts', 'test/**/*.test.ts'],
      reporters: ['default', 'json'],
      outputFile: { json: 'test-results/vitest.json' },
      // Files share the modules that they load, of which no test changes anything: to load them anew, and to have them compiled
      // anew, took a third of the time. Each file starts services and databases of its own.
      isolate: false,
      testTimeout: 30_000,
      hookTimeout: 60_000,
      // What comes in milliseconds here takes seconds on a machine that builds at the same time.
      expect: { poll: { timeout: 20_000 } },
      ...overrides,
    },
  });
}
