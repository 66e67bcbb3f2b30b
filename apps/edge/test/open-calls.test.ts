import { once } from 'node:events';
import { get, request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { startRedis } from '@rapport/testing';
import { createClient } from '@redis/client';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { redisNames } from '../src/cache/redis-names.js';
import { ask } from './ask.js';
import type { Rights } from './ore-auth.js';
import { authorization, startOres, type RunningEdge, type RunningOres } from './running-ores.js';

let ores: RunningOres;
let edge: RunningEdge;
let key: string;
const sockets = new Set<Socket>();

beforeAll(async () => {
  ores = await startOres();
  // Represents a method that changes the rights of principals.
  ores.contract.method('/rapport.sample.v1.OresService/UpdateOre')?.policy.invalidates.push('principal');
  edge = await ores.startEdge();
  edge.edge.app.server.on('connection', (socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
  });
});
beforeEach(() => {
  key = authorization('t1', 'ores.read,ores.write', crypto.randomUUID());
});
afterAll(() => ores.stop());

/** The messages of a watch. */
interface Watch {
  answer: IncomingMessage;
  ids: string[];
  /** The code of the problem at its end. */
  ended: Promise<string | undefined>;
}

async function watch(): Promise<Watch> {
  const headers = { authorization: key, accept: 'text/event-stream' };
  const [answer] = (await once(get(`${edge.url}/v1/ores:watch`, { headers }), 'response')) as [IncomingMessage];
  const ids: string[] = [];
  const read = async () => {
    let code: string | undefined;
    for await (const data of answer) {
      for (const [, json = ''] of String(data).matchAll(/^data: (.*)$/gm)) {
        const event = JSON.parse(json) as { id?: string; code?: string };
        if (event.id) ids.push(event.id);
        code ??= event.code;
      }
    }
    return code;
  };
  // A watch that the test itself cancels has no end.
  const ended = read().catch(() => undefined);
  await expect.poll(() => ids).toEqual(['first']);
  return { answer, ids, ended };
}

function upload(url = edge.url): {
  sent: ClientRequest;
  answered: Promise<{ status: number | undefined; body: string }>;
} {
  const sent = request(`${url}/v1/ores:smelt`, { method: 'POST', headers: { authorization: key } });
  sent.write('a part of a file');
  const answered = once(sent, 'response').then(async ([response]) => {
    const answer = response as IncomingMessage;
    return { status: answer.statusCode, body: await text(answer) };
  });
  return { sent, answered };
}

/** A write that may change the rights of the tenant's principals. */
async function writePrincipal(name = ''): Promise<void> {
  const headers = { authorization: authorization('t1') };
  const body = JSON.stringify({ name });
  expect((await ask(`${edge.url}/v1/ores/x`, { method: 'PATCH', headers, body })).status).toBe(200);
}

const invalid = ['CREDENTIAL_INVALID', 'CREDENTIAL_INVALID'] as const;
const changed = ['RIGHTS_CHANGED', 'RIGHTS_CHANGED'] as const;

test.each<[string, Rights | 'revoked', readonly [stream: string, upload: string]]>([
  ['its key is revoked', 'revoked', invalid],
  ['its key expires', { expireTime: new Date(Date.now() - 1).toISOString() }, invalid],
  ['it may no longer read', { permissions: ['ores.write'] }, ['PERMISSION_MISSING', 'RIGHTS_CHANGED']],
  ['it may no longer write', { permissions: ['ores.read'] }, ['RIGHTS_CHANGED', 'PERMISSION_MISSING']],
  ['it sees fewer records', { recordScope: 'TEAM' }, changed],
  ['personal data is hidden from it', { hidesPii: true }, changed],
])('a stream and an upload of a caller end when %s, whatever changed it', async (_, rights, codes) => {
  const { ended } = await watch();
  const { answered } = upload();
  await expect.poll(() => ores.open()).toBe(2);

  ores.setRights(key, rights);

  const { code } = JSON.parse((await answered).body) as { code: string };
  expect([await ended, code]).toEqual(codes);
  await expect.poll(() => ores.open()).toBe(0);
});

test('an upload gets the reason of its end, however long its invalidation waits for a dead edge', async () => {
  const redis = await startRedis();
  const behindRedis = await ores.startEdge({ redisUrl: redis.url });
  const client = await createClient({ url: redis.url }).connect();
  onTestFinished(async () => {
    client.destroy();
    await behindRedis.edge.app.close();
    await redis.stop();
  });
  const { answered } = upload(behindRedis.url);
  await expect.poll(() => ores.open()).toBe(1);
  // Longer than the check of the key, within a second, and the time for the last error of streams.
  await client.zAdd(redisNames.leases, { score: Date.now() + 3_000, value: 'gone' });

  ores.setRights(key, 'revoked');

  const { status, body } = await answered;
  expect([status, (JSON.parse(body) as { code: string }).code]).toEqual([401, 'CREDENTIAL_INVALID']);
});

test('no message is sent after the change of rights is acknowledged', async () => {
  const { ids, ended } = await watch();
  ores.setRights(key, 'revoked');
  await writePrincipal();

  ores.say('t1', 'late');

  expect(await ended).toBe('CREDENTIAL_INVALID');
  expect(ids).toEqual(['first']);
});

test('a caller that keeps its rights, or gets more, receives all messages', async () => {
  const { answer, ids } = await watch();
  ores.setRights(key, { permissions: ['ores.write', 'ores.read', 'ores.smelt'] });
  await writePrincipal();

  for (const id of ['a', 'b', 'c']) ores.say('t1', id);

  await expect.poll(() => ids).toEqual(['first', 'a', 'b', 'c']);
  answer.destroy();
  await expect.poll(() => ores.open()).toBe(0);
});

test('a client that disconnects during its authentication opens no stream', async () => {
  const release = ores.hold('authenticateApiKey');
  const before = await connections();
  const asked = once(edge.edge.app.server, 'request');
  const headers = { authorization: key, accept: 'text/event-stream' };
  const gone = get(`${edge.url}/v1/ores:watch`, { headers, agent: false }).on('error', () => undefined);
  await asked;
  gone.destroy();
  await expect.poll(connections).toBe(before);

  // Waits for the same answer of auth as the disconnected one.
  const next = watch();
  release();
  const { answer } = await next;

  expect(ores.open()).toBe(1);
  answer.destroy();
  await expect.poll(() => ores.open()).toBe(0);
});

test('while auth is down, messages wait for it, and none is lost', async () => {
  const { answer, ids } = await watch();
  // Caches the key that writes.
  await ask(`${edge.url}/v1/ores`, { headers: { authorization: authorization('t1') } });
  const release = ores.hold('authenticateApiKey');
  await writePrincipal();

  for (const id of ['a', 'b', 'c']) ores.say('t1', id);
  release();

  await expect.poll(() => ids).toEqual(['first', 'a', 'b', 'c']);
  answer.destroy();
});

test('a client that does not read its stream loses its connection with its rights', async () => {
  const headers = { authorization: key, accept: 'text/event-stream' };
  const [answer] = (await once(get(`${edge.url}/v1/ores:watch`, { headers }), 'response')) as [IncomingMessage];
  await expect.poll(() => ores.open()).toBe(1);
  await writePrincipal('x'.repeat(100_000));
  for (let count = 0; count < 300; count += 1) ores.say('t1', 'x');
  await untilHeldUp();
  const before = await connections();

  ores.setRights(key, 'revoked');

  await expect.poll(connections).toBe(before - 1);
  await expect(text(answer)).rejects.toThrow('aborted');
  expect(ores.open()).toBe(0);
});

/** Until a client's connection and the system's buffers for it are full. */
async function untilHeldUp(): Promise<void> {
  let written: number | undefined;
  const isHeldUp = () => {
    const before = written;
    written = [...sockets].find(({ writableLength }) => writableLength > 0)?.bytesWritten;
    return written !== undefined && written === before;
  };
  await expect.poll(isHeldUp, { interval: 200 }).toBe(true);
}

/** Connections of clients to the edge. */
function connections(): Promise<number> {
  const server = edge.edge.app.server;
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
