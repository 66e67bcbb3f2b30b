import { describe, expect, it } from 'vitest';
import { sharedMinerals, type Message } from './running-minerals.ts';

const path = '/rapport.sample.v1.MineralsService/';
/** Most buffered messages for a client that requests none. */
const maxBuffered = 50_000;

const minerals = await sharedMinerals();

describe('a server stream', () => {
  it('yields every message in order', async () => {
    const messages = await all(stream('WatchMinerals', { count: 5_000 }));
    expect(messages.map(({ id }) => id)).toEqual(Array.from({ length: 5_000 }, (_, n) => `m${n}`));
  });

  it('sends at most a full buffer to a client that requests one message', async () => {
    const messages = stream('WatchMinerals', { count: 1_000_000, watcher: 'slow call' });
    expect(await messages.next()).toMatchObject({ value: { id: 'm0' } });
    expect(await minerals.untilAtRest('slow call')).toBeLessThan(maxBuffered);
    await messages.return();
    await minerals.watched('slow call').ended;
  });

  it('ends its handler when the client aborts the call', async () => {
    const controller = new AbortController();
    const messages = stream('WatchMinerals', { count: 1_000_000, watcher: 'aborted' }, { signal: controller.signal });
    await messages.next();
    controller.abort();
    await minerals.watched('aborted').ended;
    await expect(all(messages)).rejects.toMatchObject({ name: 'AppError' });
  });

  it('ends its handler and itself at the deadline', async () => {
    minerals.forget('glimpse');
    await expect(all(stream('GlimpseMinerals', {}, { deadlineMs: 300 }))).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await minerals.watched('glimpse').ended;
  });

  it('fails in its middle with the same error, after the earlier messages', async () => {
    const seen: unknown[] = [];
    const read = async () => {
      for await (const { id } of stream('WatchMinerals', { count: 9, failAfter: 2 })) seen.push(id);
    };
    await expect(read()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION', reason: 'CAVE_IN' });
    expect(seen).toEqual(['m0', 'm1']);
  });

  it('hides unexpected errors', async () => {
    const failure = await all(stream('WatchMinerals', { count: 0 })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'INTERNAL', reason: 'INTERNAL' });
    expect(String(failure)).not.toContain('secret');
  });

  it('validates its request', async () => {
    await expect(all(stream('WatchMinerals', { count: -1 }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      violations: [{ field: 'count', reason: 'TOO_SMALL' }],
    });
  });

  it('needs the permission of its policy', async () => {
    const caller = (permissions: string[]) => ({
      principalToken: minerals.principals.sign({ tenantId: 't', principalId: 'p', permissions }),
    });
    await expect(all(stream('AuditMinerals', {}, caller(['minerals.read'])))).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
    });
    expect(await all(stream('AuditMinerals', {}, caller(['minerals.audit'])))).toHaveLength(1);
  });
});

function stream(
  method: string,
  request: Message,
  options: { signal?: AbortSignal; deadlineMs?: number; principalToken?: string } = {},
): AsyncGenerator<Message, void> {
  const { principalToken, ...rest } = options;
  return minerals.client.stream(path + method, request, {
    context: { requestId: 'r', principalToken },
    deadlineMs: 20_000,
    ...rest,
  }) as AsyncGenerator<Message, void>;
}

async function all(messages: AsyncIterable<Message>): Promise<Message[]> {
  const found: Message[] = [];
  for await (const message of messages) found.push(message);
  return found;
}
