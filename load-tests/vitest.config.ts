import { vitestConfig } from '../vitest.base.ts';

// Each request of a script runs in its own process.
export default vitestConfig(import.meta.dirname, { testTimeout: 120_000, hookTimeout: 120_000 });
