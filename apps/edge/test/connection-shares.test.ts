import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

const most = 40;
const ofNetwork = 10;
const attackers = Array.from({ length: 8 }, (_, index) => `127.0.0.${index + 2}`);

let ores: RunningOres;
let edge: RunningEdge;
let sockets: Socket[] = [];

beforeAll(async () => {
  ores = await startOres();
});
afterAll(() => ores.stop());
beforeEach(async () => {
  edge = await ores.startEdge({ connections: { most, ofNetwork } });
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
});

/** Opens a connection with one request. @returns the head of the answer; undefined when it was closed instead */
async function visit(from: string, path = '/livez', lines = ''): Promise<string | undefined> {
  const socket = connect({ port: edge.port, host: '127.0.0.1', localAddress: from });
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  const [data] = (await Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [undefined])])) as [
    Buffer | undefined,
  ];
  return data === undefined ? undefined : String(data).split('\r\n\r\n', 1)[0];
}

const openOf = () => sockets.filter((socket) => !socket.destroyed).length;
const key = `Authorization: ${authorization('t1')}\r\n`;

describe('connections that are kept open', () => {
  it('by one address are limited: a new one replaces the oldest idle one', async () => {
    for (let n = 0; n < most + 10; n += 1) expect(await visit('127.0.0.2')).toContain('200 OK');

    await vi.waitUntil(() => openOf() <= ofNetwork);
    expect(sockets.slice(-ofNetwork).every((socket) => !socket.destroyed)).toBe(true);
  });

  it('by many addresses neither block a new one nor break a running request', async () => {
    ores.writeBehind('t1', 'a');
    const slow = connect({ port: edge.port, host: '127.0.0.1', localAddress: '127.0.0.99' });
    sockets.push(slow);
    // Half of a request whose body comes later: it is running.
    slow.write(
      `PATCH /v1/ores/a HTTP/1.1\r\nHost: a\r\n${key}Content-Type: application/json\r\nContent-Length: 12\r\n\r\n{`,
    );
    for (const attacker of attackers) {
      await Promise.all(Array.from({ length: ofNetwork }, () => visit(attacker)));
    }

    for (let n = 0; n < 50; n += 1) expect(await visit('127.0.0.1')).toContain('200 OK');
    slow.write('"name":"x"}');
    const [data] = (await once(slow, 'data')) as [Buffer];
    expect(String(data)).toContain('200 OK');
  });

  it('are closed soon after their last answer while most are in use', async () => {
    expect(await visit('127.0.0.1')).toContain('Keep-Alive: timeout=72');
    for (const attacker of attackers.slice(0, 4)) {
      await Promise.all(Array.from({ length: 8 }, () => visit(attacker)));
    }

    // On a busy machine some of them are closed before the next one comes.
    await vi.waitUntil(async () => (await visit('127.0.0.1'))?.includes('Keep-Alive: timeout=1'), { timeout: 20_000 });
    await vi.waitUntil(() => openOf() < most * 0.8, { timeout: 20_000 });
    // At the limit of long idle connections, the next one would exceed it again.
    for (const socket of sockets.filter(({ destroyed }) => !destroyed).slice(0, 5)) socket.destroy();
    const isKept = async () => (await visit('127.0.0.1'))?.includes('Keep-Alive: timeout=72');
    // Rarely enough that excess connections are closed in between.
    await vi.waitUntil(isKept, { timeout: 20_000, interval: 2_000 });
  });

  it('by a trusted proxy are limited in total only', async () => {
    edge = await ores.startEdge({ connections: { most, ofNetwork }, trustedProxies: ['127.0.0.0/8'] });

    for (let n = 0; n < ofNetwork * 2; n += 1) expect(await visit('127.0.0.2')).toContain('200 OK');
    expect(openOf()).toBe(ofNetwork * 2);
  });
});
