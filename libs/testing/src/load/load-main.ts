// The load process: runs the plans of its parent, and ends with it.
import { loadByHttp } from './http-load.js';
import type { LoadPlan } from './load-plan.js';
import { loadBySql } from './sql-load.js';

process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  const { id, plan } = message as { id: number; plan: LoadPlan };
  const result = plan.kind === 'http' ? loadByHttp(plan) : loadBySql(plan);
  result.then(
    (done) => process.send?.({ id, done }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.stack : String(error) }),
  );
});
