import { beforeAll, expect, it } from 'vitest';
import { ApiClient } from '../api-client.ts';
import { killedPlatform } from '../availability/killed-platform.ts';
import { newTrace, type ReceivedTraces } from '../received-traces.ts';

let ourApi: ApiClient;
let theirId: string;
let traces: ReceivedTraces;

beforeAll(async () => {
  const killed = await killedPlatform();
  const { platform } = killed;
  ({ traces } = killed);
  const [us, them] = [await platform.createTenant('Ours'), await platform.createTenant('Theirs')];
  ourApi = await ApiClient.connect(platform.edgeUrl, us.apiKey);
  const theirApi = await ApiClient.connect(platform.edgeUrl, them.apiKey);
  const answer = await theirApi.send('POST', '/v1/customers', { body: { kind: 'PERSON', displayName: 'Ada' } });
  theirId = (answer.body as { id: string }).id;
  // Its own tenant has just read it, so every cache has it.
  for (let read = 0; read < 2; read += 1) await theirApi.send('GET', `/v1/customers/${theirId}`);
}, 300_000);

// The long form, `answer-times.soak.test.ts`, compares the times.
it.each([
  ['GET', 'GetCustomer'],
  ['PATCH', 'UpdateCustomer'],
  ['DELETE', 'DeleteCustomer'],
])(
  "%s does the same for another tenant's id as for one that is nowhere, call by call and statement by statement",
  async (verb, method) => {
    const nowhere = await workFor(verb, method, crypto.randomUUID());

    expect(nowhere.some((step) => step.startsWith('customers') && step.includes('postgresql'))).toBe(true);
    expect(await workFor(verb, method, theirId)).toEqual(nowhere);
  },
);

/** Look-ups of the caller and its tenant, which are repeated after some time, independent of the request. */
const ofCaller = ['rapport.auth.v1.AuthService/', 'encryption_of_tenant'];

/** The steps of an answer in all processes, with the attributes of their spans. */
async function workFor(verb: string, method: string, id: string): Promise<string[]> {
  const { traceId, headers } = newTrace();
  const body = verb === 'PATCH' ? { displayName: 'Ours' } : undefined;
  const { status } = await ourApi.send(verb, `/v1/customers/${id}`, { headers, ...(body && { body }) });
  expect(status).toBe(404);
  const call = `customers rapport.customers.v1.CustomersService/${method}`;
  const spans = await traces.traceWith(traceId, `edge ${verb} /v1/customers/:id`, call);
  return spans
    .filter(({ process, name }) => process !== 'auth' && !ofCaller.some((step) => name.includes(step)))
    .map(({ process, name, attributes }) => `${process} ${name} ${JSON.stringify(attributes)}`)
    .toSorted();
}
