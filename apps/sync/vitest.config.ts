import { vitestConfig } from '../../vitest.base.ts';

export default vitestConfig(import.meta.dirname, {
  environment: '../../vitest.environment.ts',
  globalSetup: ['test/start-postgres.ts', 'test/make-template.ts', 'test/share-platform.ts'],
  // One file leaves half of two cores idle: it waits for what processes do. Long forms measure, and run alone.
  maxWorkers: process.env['SOAK'] === '1' ? 1 : 2,
  // Tests that share kills wait for each other.
  maxConcurrency: 10,
});
