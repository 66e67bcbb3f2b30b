import { vitestConfig } from '../../vitest.base.ts';

export default vitestConfig(import.meta.dirname, {
  globalSetup: 'test/start-postgres.ts',
  // One file waits for PostgreSQL half of the time. Long forms measure, and run alone.
  maxWorkers: process.env['SOAK'] === '1' ? 1 : 2,
  // Not loaded by Node itself, since `referring-modules.ts` loads the libraries anew too.
  server: { deps: { external: [] } },
});
