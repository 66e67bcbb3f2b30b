import { join } from 'node:path';
import { vitestConfig } from '../vitest.base.ts';

const k6 = join(import.meta.dirname, 'test/k6');

export default vitestConfig(import.meta.dirname, {
  alias: [
    { find: /^k6$/, replacement: join(k6, 'k6.ts') },
    { find: /^k6\/http$/, replacement: join(k6, 'http.ts') },
  ],
});
