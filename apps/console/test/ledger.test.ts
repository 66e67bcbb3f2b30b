import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goTo, Workspace, type Json } from './workspace.ts';

/** What the endpoint answers. */
let status = 500;
let received = 0;
const endpoint = createServer((_request, response) => {
  received += 1;
  response.writeHead(status).end();
});

let workspace: Workspace;

beforeAll(async () => {
  endpoint.listen(0, '127.0.0.1');
  await once(endpoint, 'listening');
  workspace = await Workspace.create();
});

afterAll(async () => {
  await workspace.close();
  endpoint.close();
});

test('deliveries appear, their attempts tick, and a replay succeeds, without a reload', async () => {
  const { port } = endpoint.address() as AddressInfo;
  const { id } = await workspace.api<{ id: string }>('POST', '/v1/webhookEndpoints', {
    url: `http://127.0.0.1:${port}/`,
    eventTypes: ['customer.created'],
  });
  const page = await workspace.open('/webhookDeliveries');
  await page
    .getByRole('heading', { name: 'Webhook deliveries' })
    .or(page.getByRole('heading', { name: /deliveries/i }))
    .first()
    .waitFor();

  await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Nordlys Energi A/S' });
  await page.getByText('customer.created').first().waitFor();
  await page.getByText('Failed').first().waitFor();
  expect(received).toBeGreaterThan(1);

  const { webhookDeliveries } = await workspace.api<{ webhookDeliveries: Json[] }>('GET', '/v1/webhookDeliveries');
  await goTo(page, `/webhookDeliveries/${String(webhookDeliveries[0]?.['id'])}`);
  await page.getByText('Status 500').first().waitFor();

  status = 204;
  await goTo(page, '/webhookDeliveries');
  await page.getByText('Failed').first().waitFor();
  const eventIds = [webhookDeliveries[0]?.['eventId']];
  await workspace.api('POST', `/v1/webhookEndpoints/${id}:replay`, { eventIds });
  await page.getByText('Delivered').first().waitFor();
});
