import { check, sleep } from 'k6';
import { Client, StatusOK } from 'k6/net/grpc';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, uniqueText, type Customer } from './api.ts';
import type { Scenario } from './scenario.ts';

const getCustomer: Operation = 'customers.GetCustomer';
const lookSeconds = 0.1;
/** A token of auth is valid for at least 45 s. */
const tokenMs = 30_000;

/**
 * Reads customers from the service directly, as the edge does: over mutual TLS with the edge's certificate, and with the
 * token that auth issues for the key.
 */
export function grpcReads(baseUrl: string): Scenario {
  const apiKey = variable('API_KEY');
  const addresses = { auth: variable('AUTH_ADDRESS'), customers: variable('CUSTOMERS_ADDRESS') };
  const tls = {
    cert: open(variable('SERVICE_CERT_FILE')),
    key: open(variable('SERVICE_KEY_FILE')),
    cacerts: open(variable('SERVICE_CA_FILE')),
  };
  const clients = { auth: clientOf('auth/v1/auth_service'), customers: clientOf('customers/v1/customers_service') };
  let isConnected = false;
  let principal = { token: '', untilMs: 0 };

  /** State of this k6 client: its connections stay open. */
  function connect(): void {
    if (isConnected) return;
    clients.auth.connect(addresses.auth, { tls });
    clients.customers.connect(addresses.customers, { tls });
    isConnected = true;
  }

  function token(): string {
    if (Date.now() < principal.untilMs) return principal.token;
    const metadata = { 'x-request-id': uniqueText() };
    const answer = clients.auth.invoke('rapport.auth.v1.AuthService/AuthenticateApiKey', { key: apiKey }, { metadata });
    const text = answer.status === StatusOK ? (answer.message as { principalToken: string }).principalToken : '';
    principal = { token: text, untilMs: text === '' ? 0 : Date.now() + tokenMs };
    return text;
  }

  return {
    protocol: 'grpc',
    operations: [getCustomer],
    setup() {
      const page = new Api(baseUrl, apiKey).get<{ customers?: Customer[] }>(
        'ListCustomers',
        '/v1/customers?pageSize=100',
      );
      return (page.body?.customers ?? []).map(({ id }) => id);
    },
    run(data) {
      const ids = data as string[];
      const id = ids[Math.floor(Math.random() * ids.length)];
      connect();
      const metadata = { 'x-request-id': uniqueText(), 'x-rapport-principal': token() };
      const answer = clients.customers.invoke(
        'rapport.customers.v1.CustomersService/GetCustomer',
        { id },
        { metadata, tags: { name: getCustomer } },
      );
      check(answer, { 'the service gives a customer': ({ status }) => status === StatusOK });
      sleep(lookSeconds);
    },
  };
}

function clientOf(file: string): Client {
  const client = new Client();
  client.load(['../proto'], `rapport/${file}.proto`);
  return client;
}
