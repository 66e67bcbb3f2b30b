import { vitestConfig } from '../vitest.base.ts';

// Each request of a script is a process of its own.
export default vitestConfig(import.meta.dirname, { testTimeout: 120_000, hookTimeout: 120_000 });
