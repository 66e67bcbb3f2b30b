import { check, sleep } from 'k6';
import { stepAt, type Mix } from '../mixes.ts';
import type { Operation } from '../slo.ts';
import { variable } from '../variables.ts';
import { Api, uniqueText, type Customer } from './api.ts';
import type { Scenario } from './scenario.ts';

/** Think time after an answer, in seconds. */
const lookSeconds = 1;
/** Longest text that the API searches for. */
const maxSearchLength = 200;

const operations: Readonly<Record<keyof Mix, Operation>> = {
  get: 'GetCustomer',
  list: 'ListCustomers',
  search: 'SearchCustomers',
  searchAll: 'Search',
  create: 'CreateCustomer',
  update: 'UpdateCustomer',
};

/** One step of a mix in each iteration, on the existing customers of the tenant. */
export function mixed(baseUrl: string, mix: Mix): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: (Object.keys(mix) as (keyof Mix)[]).filter((step) => mix[step] > 0).map((step) => operations[step]),
    setup: () => newest(api),
    run(data) {
      const customers = data as Customer[];
      const customer = customers[Math.floor(Math.random() * customers.length)];
      if (customer) take(api, stepAt(mix, Math.random() * 100), customer);
      sleep(lookSeconds);
    },
  };
}

/** @throws Error, which ends the run, when the tenant has no customers */
function newest(api: Api): Customer[] {
  const { status, body } = api.get<{ customers?: Customer[] }>('ListCustomers', '/v1/customers?pageSize=100');
  const customers = body?.customers ?? [];
  if (customers.length === 0) throw new Error(`The tenant has no customers to work with (${status}).`);
  return customers.map(({ id, displayName }) => ({ id, displayName }));
}

function take(api: Api, step: keyof Mix, { id, displayName }: Customer): void {
  const operation = operations[step];
  switch (step) {
    case 'get': {
      const { body } = api.get<Customer>(operation, `/v1/customers/${id}`);
      check(body, { 'a customer can be read': () => body?.id === id });
      return;
    }
    case 'list': {
      const { body } = api.get<{ customers?: Customer[] }>(operation, '/v1/customers?pageSize=20');
      check(body, { 'the list has customers': () => (body?.customers ?? []).length > 0 });
      return;
    }
    case 'search': {
      const words = encodeURIComponent(displayName.slice(0, maxSearchLength));
      const { body } = api.get<{ customers?: Customer[] }>(operation, `/v1/customers?q=${words}`);
      check(body, { 'a search by name finds a customer': () => (body?.customers ?? []).length > 0 });
      return;
    }
    case 'searchAll': {
      const words = encodeURIComponent(displayName.slice(0, maxSearchLength));
      const { body } = api.get<{ results?: { title: string }[] }>(operation, `/v1/search?q=${words}`);
      check(body, { 'a search finds a record': () => (body?.results ?? []).length > 0 });
      return;
    }
    case 'create': {
      const created = { kind: 'PERSON', givenName: 'Load', familyName: uniqueText() };
      const { body } = api.send<Customer>('POST', operation, '/v1/customers', created);
      check(body, { 'a customer is created': () => body?.id !== undefined });
      return;
    }
    case 'update': {
      const { body } = api.send<Customer>('PATCH', operation, `/v1/customers/${id}`, { jobTitle: uniqueText() });
      check(body, { 'a customer is changed': () => body?.id === id });
      return;
    }
    default:
      step satisfies never;
  }
}
