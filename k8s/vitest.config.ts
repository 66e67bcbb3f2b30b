import { vitestConfig } from '../vitest.base.ts';

// The first render may have to install kubectl.
export default vitestConfig(import.meta.dirname, { hookTimeout: 300_000 });
