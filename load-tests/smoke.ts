import type { Options } from 'k6/options';
import { smoke } from './profiles/smoke.ts';
import { browseCustomers } from './scenarios/browse-customers.ts';

/** k6 exits with 99 when a threshold is crossed. Durations are in milliseconds. */
export const options: Options = {
  scenarios: { browse: smoke },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{name:GetCustomer}': ['p(95)<100'],
    'http_req_duration{name:ListCustomers}': ['p(95)<200'],
    'http_req_duration{name:SearchCustomers}': ['p(95)<300'],
  },
};

const target = { baseUrl: variable('BASE_URL'), apiKey: variable('API_KEY') };

export default function runSmoke(): void {
  browseCustomers(target);
}

function variable(name: string): string {
  const value = __ENV[name];
  if (!value) throw new Error(`${name} is not set.`);
  return value;
}
