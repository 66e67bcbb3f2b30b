/** A generator of TypeScript clients, and a program that uses what it generates. */
export interface Generator {
  packages: Record<string, string>;
  /** As docs/clients.md shows it. */
  command: string;
  /** The documents that it reads. The first is the one of the command. */
  documents: string[];
  /** Its first part prepares the generated code for a server and a key, as `list`, `create` and `get`. */
  program: string;
}

/** Each call returns the status and the body. Types of bodies are those that the generated code declares. */
const calls = `
const listed = await list();
const created = await create({ kind: 'COMPANY', displayName: 'Generated Ltd' });
const failed = await get('019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11');
console.log(JSON.stringify({ listed, created, failed }));
`;

const server = `
const url = process.env['URL'] ?? '';
const headers = { authorization: \`Bearer \${process.env['KEY']}\` };
`;

export const generators: Record<string, Generator> = {
  'openapi-ts': {
    packages: { '@hey-api/openapi-ts': '0.99.0' },
    command: 'openapi-ts -i openapi.json -o generated -c @hey-api/client-fetch',
    documents: ['openapi.json', 'openapi-3.0.json'],
    program: `
import { client } from './generated/client.gen';
import { createCustomer, getCustomer, listCustomers, type CustomerInput } from './generated';
${server}
client.setConfig({ baseUrl: url, headers });
const list = async (): Promise<number | undefined> => (await listCustomers({ query: { pageSize: 2 } })).data?.customers?.length;
const create = async (body: CustomerInput): Promise<string | undefined> => (await createCustomer({ body })).data?.displayName;
const get = async (id: string): Promise<string | undefined> => (await getCustomer({ path: { id } })).error?.code;
${calls}`,
  },
  orval: {
    packages: { orval: '8.38.0' },
    command: 'orval --input openapi.json --output generated.ts --client fetch',
    documents: ['openapi.json', 'openapi-3.0.json'],
    program: `
import { createCustomer, getCustomer, listCustomers, type CustomerInput } from './generated';
${server}
// Its paths are relative to the page; a program names its server.
const fetchAt = globalThis.fetch;
globalThis.fetch = (path, options) => fetchAt(url + String(path), options);
const list = async (): Promise<number | undefined> => {
  const answer = await listCustomers({ pageSize: 2 }, { headers });
  return answer.status === 200 ? answer.data.customers.length : undefined;
};
const create = async (customer: CustomerInput): Promise<string | undefined> => {
  const answer = await createCustomer(customer, undefined, { headers });
  return answer.status === 201 ? answer.data.displayName : undefined;
};
const get = async (id: string): Promise<string | undefined> => {
  const answer = await getCustomer(id, undefined, { headers });
  return answer.status === 404 ? answer.data.code : undefined;
};
${calls}`,
  },
  'openapi-typescript': {
    packages: { 'openapi-typescript': '7.13.0', 'openapi-fetch': '0.17.0' },
    command: 'openapi-typescript openapi.json -o generated.ts',
    documents: ['openapi.json', 'openapi-3.0.json'],
    program: `
import createClient from 'openapi-fetch';
import type { components, paths } from './generated';
${server}
const client = createClient<paths>({ baseUrl: url, headers });
const list = async (): Promise<number | undefined> =>
  (await client.GET('/v1/customers', { params: { query: { pageSize: 2 } } })).data?.customers.length;
const create = async (body: components['schemas']['CustomerInput']): Promise<string | undefined> =>
  (await client.POST('/v1/customers', { body })).data?.displayName;
const get = async (id: string): Promise<string | undefined> =>
  (await client.GET('/v1/customers/{id}', { params: { path: { id } } })).error?.code;
${calls}`,
  },
  oazapfts: {
    packages: { oazapfts: '7.5.0', '@oazapfts/runtime': '1.2.0' },
    command: 'oazapfts openapi.json generated.ts',
    documents: ['openapi.json', 'openapi-3.0.json'],
    program: `
import { HttpError, ok } from '@oazapfts/runtime';
import { createCustomer, defaults, getCustomer, listCustomers, type CustomerInput, type Problem } from './generated';
${server}
Object.assign(defaults, { baseUrl: url, headers });
const list = async (): Promise<number> => (await ok(listCustomers({ pageSize: 2 }))).customers.length;
const create = async (customer: CustomerInput): Promise<string | undefined> => (await ok(createCustomer(customer))).displayName;
const get = (id: string): Promise<string> =>
  ok(getCustomer(id)).then(
    () => 'found',
    (error: HttpError) => (error.data as Problem).code,
  );
${calls}`,
  },
};
