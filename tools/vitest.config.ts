import { vitestConfig } from '../vitest.base.ts';

export default vitestConfig(import.meta.dirname, {
  testTimeout: 120_000,
  globalSetup: ['test/make-template.ts', 'test/share-platform.ts'],
});
