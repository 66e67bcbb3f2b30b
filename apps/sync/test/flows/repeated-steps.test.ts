import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { FlowTenant } from './flow-tenant.ts';

let flows: FlowTenant;
let server: Server;
let status = 503;

beforeAll(async () => {
  flows = await FlowTenant.create(await sharedPlatform(inject('platformUrl')));
  server = createServer((_, response) => response.writeHead(status).end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

test('a run whose step is attempted again says why the last attempt failed', async () => {
  const url = `'http://127.0.0.1:${(server.address() as AddressInfo).port}/'`;
  const retry = { maxAttempts: 100, delaySeconds: 1, maxDelaySeconds: 1 };
  const steps = [{ key: 'safe', try: { steps: [{ key: 'post', http: { url } }], retry, catch: [] } }];
  const flowId = await flows.publish({ trigger: { manual: {} }, steps });
  const { id } = await flows.api.ok<{ id: string }>('POST', `/v1/flows/${flowId}:run`, {});
  const run = () => flows.api.ok('GET', `/v1/flowRuns/${id}`);

  await expect.poll(run).toMatchObject({ state: 'WAITING', problem: { step: 'steps/0/try/steps/0' } });
  status = 200;

  await expect.poll(run).toMatchObject({ state: 'SUCCEEDED' });
  expect(await run()).not.toHaveProperty('problem');
});
