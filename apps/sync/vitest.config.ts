import { vitestConfig } from '../../vitest.base.ts';

export default vitestConfig(import.meta.dirname, {
  globalSetup: ['test/start-postgres.ts', 'test/make-template.ts', 'test/share-platform.ts'],
});
