import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api } from './api.ts';
import type { Scenario } from './scenario.ts';

/** Think time between the steps, in seconds. */
const lookSeconds = 1;

const definition = {
  trigger: { record: { type: 'deal', operations: ['UPDATE'], changedFields: ['stage'], filter: 'status = OPEN' } },
  condition: 'record.probability > 50',
  steps: [
    { key: 'open', find: { type: 'task', filter: `'status = OPEN'`, limit: 5 } },
    { key: 'call', condition: 'steps.open.count == 0', addTask: { subject: `'Call about ' + record.title` } },
  ],
};

/** An administrator who looks at the flows of the workspace and edits a draft, which is checked after each change. */
export function flows(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['ListFlows', 'ValidateFlow'],
    setup: () => null,
    run() {
      const { body } = api.get<{ flows: unknown[] }>('ListFlows', '/v1/flows?pageSize=20');
      check(body, { 'flows are listed': (answer) => answer?.flows !== undefined });
      sleep(lookSeconds);
      const checked = api.send<{ faults: unknown[] }>('POST', 'ValidateFlow', '/v1/flows:validate', definition);
      check(checked.body, { 'a definition has no faults': (answer) => answer?.faults.length === 0 });
      sleep(lookSeconds);
    },
  };
}
