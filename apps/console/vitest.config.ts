import { vitestConfig } from '../../vitest.base.ts';

export default vitestConfig(import.meta.dirname, {
  environment: '../../vitest.environment.ts',
  globalSetup: ['test/share-platform.ts'],
});
