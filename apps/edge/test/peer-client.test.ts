import { Server, ServerCredentials, status, type sendUnaryData } from '@grpc/grpc-js';
import { platformContract, serviceDefinitions } from '@rapport/contracts';
import { AuthServiceService, Tenant } from '@rapport/contracts/rapport/auth/v1/auth_service';
import { CustomersServiceService } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import { metrics } from '@rapport/platform';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { PeerClient } from '../src/calls/peer-client.js';
import { grpcRefusal } from './grpc-refusal.js';

const contract = platformContract();
const { getTenant } = AuthServiceService;
const { createCustomer } = CustomersServiceService;
const create = { customer: Customer.decode(new Uint8Array()) };

type Answer = (callback: sendUnaryData<unknown>) => void;
const down: Answer = (callback) => callback({ code: status.UNAVAILABLE, details: 'down' });
const works: Answer = (callback) => callback(null, { ...create.customer, ...Tenant.decode(new Uint8Array()) });
const hangs: Answer = () => undefined;

/** The service's behaviour by attempt; the last one repeats. */
let script: Answer[];
let attempts: number;
let server: Server;
let address: string;
let client: PeerClient;

beforeAll(async () => {
  server = new Server();
  const answer = (_call: unknown, callback: sendUnaryData<unknown>) => {
    attempts += 1;
    (script.length > 1 ? script.shift() : script[0])?.(callback);
  };
  server.addService({ getTenant, createCustomer }, { getTenant: answer, createCustomer: answer });
  const credentials = ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  address = `127.0.0.1:${port}`;
});
beforeEach(() => {
  [script, attempts] = [[works], 0];
  client = new PeerClient('auth', address, serviceDefinitions, contract);
});
afterEach(() => client.close());
afterAll(() => server.forceShutdown());

interface Options {
  deadlineMs?: number;
  signal?: AbortSignal;
}

function call({ path }: { path: string }, request: object = {}, { deadlineMs = 5_000, ...options }: Options = {}) {
  return client.unary(path, request, { context: { requestId: 'r' }, deadlineMs, ...options });
}

async function breakerState(): Promise<number | undefined> {
  const metric = await metrics.getSingleMetric('rapport_breaker_state')?.get();
  return metric?.values.find(({ labels }) => labels['service'] === 'auth')?.value;
}

/** Calls until the breaker is open. */
async function breakCircuit(): Promise<void> {
  await expect
    .poll(() => Promise.allSettled(Array.from({ length: 20 }, () => call(getTenant))).then(breakerState))
    .toBe(1);
}

test('an idempotent method is retried when the service could not be reached', async () => {
  script = [down, works];
  await expect(call(getTenant)).resolves.toBeDefined();
  expect(attempts).toBe(2);
});

test('a write is retried only with an idempotency key', async () => {
  script = [down];
  await expect(call(createCustomer, create)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(attempts).toBe(1);

  script = [down, works];
  await expect(call(createCustomer, { ...create, requestId: 'key' })).resolves.toBeDefined();
  expect(attempts).toBe(3);
});

test('a refusal of the service is not retried', async () => {
  script = [(callback) => callback({ code: status.INVALID_ARGUMENT, details: 'no' }), works];
  await expect(call(getTenant)).rejects.toMatchObject({ name: 'AppError' });
  expect(attempts).toBe(1);
});

test('a service that does not know the principals of auth counts as unreachable, and another replica is asked', async () => {
  const refusal = grpcRefusal(status.UNAUTHENTICATED, 'PRINCIPAL_INVALID');
  script = [(callback) => callback(refusal), works];
  await expect(call(getTenant)).resolves.toBeDefined();
  expect(attempts).toBe(2);

  script = [(callback) => callback(refusal)];
  await expect(call(getTenant)).rejects.toMatchObject({ code: 'UNAVAILABLE', reason: 'SERVICE_UNAVAILABLE' });
});

test('no attempt lasts beyond the deadline of the call', async () => {
  script = [down, hangs];
  await expect(call(getTenant, {}, { deadlineMs: 1_000 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  expect(attempts).toBe(2);
});

test('while the service is down no more than 1.2 attempts are made for a request', async () => {
  script = [down];
  const requests = 500;
  for (let sent = 0; sent < requests; sent += 10)
    await Promise.allSettled(Array.from({ length: 10 }, () => call(getTenant)));
  expect(attempts).toBeLessThanOrEqual(requests * 1.2);
});

test('calls are refused without being made once most have failed, and made again when one succeeds', async () => {
  script = [down];
  await breakCircuit();
  const made = attempts;
  await expect(call(getTenant)).rejects.toMatchObject({ reason: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 1 });
  expect(attempts).toBe(made);

  script = [works];
  await expect.poll(() => call(getTenant).then(breakerState, () => 'refused')).toBe(0);
});

test('no request waits for the probe of a frozen service', async () => {
  script = [down];
  await breakCircuit();
  script = [hangs];
  const probe = expect(call(getTenant, {}, { deadlineMs: 20_000 })).rejects.toThrow();
  const gone = new AbortController();
  const tries = () => call(getTenant, {}, { deadlineMs: 20_000, signal: gone.signal }).catch(() => undefined);
  await expect.poll(() => (void tries(), breakerState())).toBe(2);

  await expect(call(getTenant, {}, { deadlineMs: 20_000 })).rejects.toMatchObject({ reason: 'SERVICE_UNAVAILABLE' });

  gone.abort();
  await expect.poll(breakerState).toBe(1);
  await probe;
});

test('disconnecting clients do not open the breaker', async () => {
  script = [hangs];
  for (let round = 0; round < 5; round += 1) {
    const gone = new AbortController();
    const calls = Array.from({ length: 20 }, () => call(getTenant, {}, { signal: gone.signal }));
    const left = Promise.allSettled(calls);
    await expect.poll(() => attempts).toBe((round + 1) * 20);
    gone.abort();
    for (const { status: how, reason } of (await left) as PromiseRejectedResult[])
      expect([how, (reason as { code: string }).code]).toEqual(['rejected', 'CANCELLED']);
  }
  expect(await breakerState()).toBe(0);
});
