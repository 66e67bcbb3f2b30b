import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api, uniqueText } from './api.ts';
import type { Scenario } from './scenario.ts';

const rows = 500;
/** Think time after an import, in seconds. */
const lookSeconds = 5;

/** A file of new people in one call. */
export function importFile(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['ImportCustomers'],
    setup: () => null,
    run() {
      const file = uniqueText();
      const lines = Array.from({ length: rows }, (_, row) => `Load,${file}-${row},${file}-${row}@load.example`);
      const text = ['given_name,family_name,email', ...lines, ''].join('\n');
      const answer = api.send<{ created?: number }>(
        'POST',
        'ImportCustomers',
        '/v1/customers:import',
        text,
        'text/csv',
      );
      check(answer, { 'every row becomes a customer': ({ body }) => body?.created === rows });
      sleep(lookSeconds);
    },
  };
}
