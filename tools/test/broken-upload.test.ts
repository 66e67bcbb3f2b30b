import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { startPlatform, type Platform } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from './api-client.ts';

let platform: Platform;
let apiKey: string;
let api: ApiClient;

beforeAll(async () => {
  platform = await startPlatform();
  ({ apiKey } = await platform.createTenant('Broken'));
  api = await ApiClient.connect(platform.edgeUrl, apiKey);
}, 120_000);

afterAll(async () => platform.stop());

describe('an import that breaks off in the middle of its file', () => {
  it('leaves nothing when its client hangs up', async () => {
    const socket = startUpload();
    await wait(500);
    socket.destroy();
    await expectNothingStored();
  });

  it('leaves nothing when the edge is killed', async () => {
    const socket = startUpload();
    await wait(500);
    await platform.services.edge.kill();
    socket.destroy();
    await platform.services.edge.start();
    await expectNothingStored();
  });
});

/** Sends two rows and a half of a file that is said to be longer. */
function startUpload(): Socket {
  const socket = connect(Number(new URL(platform.edgeUrl).port), '127.0.0.1');
  socket.on('error', () => socket.destroy());
  const head = ['POST /v1/customers:import HTTP/1.1', 'Host: a', `Authorization: Bearer ${apiKey}`];
  socket.write([...head, 'Content-Type: text/csv', 'Content-Length: 1000000', '', ''].join('\r\n'));
  socket.write('name,email\nAda,ada@navy.example\nBob,bob@navy.example\nGrace,grace@navy.exam');
  return socket;
}

/** Looks for longer than the service takes to notice that the call has ended. */
async function expectNothingStored(): Promise<void> {
  for (let look = 0; look < 15; look++) {
    const { body } = await api.send('GET', '/v1/customers');
    expect(body).toMatchObject({ customers: [] });
    await wait(100);
  }
}
