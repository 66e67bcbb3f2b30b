import { join } from 'node:path';
import { vitestConfig } from '../../vitest.base.ts';

export default vitestConfig(join(import.meta.dirname, '..'), {
  include: ['failover/*.test.ts'],
  outputFile: { json: 'test-results/failover.json' },
});
