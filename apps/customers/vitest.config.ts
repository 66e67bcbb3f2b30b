import { vitestConfig } from '../../vitest.base.ts';

export default vitestConfig(import.meta.dirname, {
  globalSetup: 'test/start-postgres.ts',
  setupFiles: ['test/drop-databases.ts'],
  // Not loaded by Node itself, since `referring-modules.ts` loads the libraries anew too.
  server: { deps: { external: [] } },
});
