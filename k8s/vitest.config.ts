import { vitestConfig } from '../vitest.base.ts';

// The first run may have to install kubectl and promtool.
export default vitestConfig(import.meta.dirname, { hookTimeout: 300_000, testTimeout: 60_000 });
