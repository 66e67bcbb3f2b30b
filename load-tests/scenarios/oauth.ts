import { check, sleep } from 'k6';
import { b64encode } from 'k6/encoding';
import http from 'k6/http';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, type Customer } from './api.ts';
import type { Scenario } from './scenario.ts';

const lookSeconds = 1;
const getToken: Operation = 'GetToken';

/** A program that signs in with client credentials (RFC 6749, 4.4) and reads with its token. */
export function oauth(baseUrl: string): Scenario {
  const credentials = b64encode(`${variable('CLIENT_ID')}:${variable('CLIENT_SECRET')}`);
  return {
    protocol: 'http',
    operations: [getToken, 'ListCustomers'],
    setup: () => null,
    run() {
      const response = http.post(
        `${baseUrl}/oauth/token`,
        { grant_type: 'client_credentials', scope: 'customers.read' },
        { headers: { Authorization: `Basic ${credentials}` }, tags: { name: getToken } },
      );
      const token = response.status === 200 ? (response.json('access_token') as string) : '';
      check(token, { 'a program gets a token': (text) => text !== '' });
      if (token === '') return;
      const { body } = new Api(baseUrl, token).get<{ customers?: Customer[] }>(
        'ListCustomers',
        '/v1/customers?pageSize=20',
      );
      check(body, { 'the token opens the list': () => body !== undefined });
      sleep(lookSeconds);
    },
  };
}
