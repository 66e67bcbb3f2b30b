import { connect, type Socket } from 'node:net';
import type { SharedPlatform, Tenant } from '@rapport/testing';
import { expect, vi } from 'vitest';
import { ApiClient } from './api-client.ts';
import { newTrace, type ReceivedTraces } from './received-traces.ts';

/**
 * Sends two and a half rows of a longer file, breaks off once the service processes it, and expects that nothing of it is
 * stored when the service has ended the call.
 *
 * @param platform without other imports @param breakOff ends the call, given the client's socket
 */
export async function expectNothingOfBrokenUpload(
  platform: SharedPlatform,
  traces: ReceivedTraces,
  breakOff: (socket: Socket) => Promise<void> | void,
): Promise<void> {
  const tenant = await platform.createTenant('Broken');
  const { traceId, headers } = newTrace();
  const begunBefore = await importsBegun(platform);
  const socket = startUpload(platform.edgeUrl, tenant, headers.traceparent);
  await vi.waitUntil(async () => (await importsBegun(platform)) > begunBefore, { timeout: 60_000 });

  await breakOff(socket);

  await traces.traceWith(traceId, 'customers rapport.customers.v1.CustomersService/ImportCustomers');
  const api = await ApiClient.connect(platform.edgeUrl, tenant.apiKey);
  expect((await api.send('GET', '/v1/customers')).body).toMatchObject({ customers: [] });
}

function startUpload(edgeUrl: string, { apiKey }: Tenant, traceparent: string): Socket {
  const socket = connect(Number(new URL(edgeUrl).port), '127.0.0.1');
  socket.on('error', () => socket.destroy());
  const head = ['POST /v1/customers:import HTTP/1.1', 'Host: a', `Authorization: Bearer ${apiKey}`];
  const type = ['Content-Type: text/csv', 'Content-Length: 1000000', `Traceparent: ${traceparent}`];
  socket.write([...head, ...type, '', ''].join('\r\n'));
  socket.write('name,email\nAda,ada@navy.example\nBob,bob@navy.example\nGrace,grace@navy.exam');
  return socket;
}

/** Imports that customers has started. */
async function importsBegun({ metricsUrls }: SharedPlatform): Promise<number> {
  // Those of the edges come first, then auth, customers and sync.
  const text = await (await fetch(metricsUrls.at(-2) ?? '')).text();
  return Number(/^rapport_calls_total\{method="[^"]*\/ImportCustomers"\} (\d+)/m.exec(text)?.[1] ?? 0);
}
