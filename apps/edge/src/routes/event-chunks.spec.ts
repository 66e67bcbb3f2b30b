import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventChunks } from './event-chunks.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('events', () => {
  it('have a comment for every 15 s of silence', async () => {
    const { promise: news, resolve: publish } = Promise.withResolvers<string>();
    const chunks = eventChunks(
      (async function* () {
        yield await news;
      })(),
      JSON.stringify,
      String,
    );
    for (let silence = 0; silence < 2; silence++) {
      const comment = chunks.next();
      await vi.advanceTimersByTimeAsync(15_000);
      expect(await comment).toEqual({ done: false, value: ': keep-alive\n\n' });
    }
    publish('gold');
    expect(await chunks.next()).toEqual({ done: false, value: 'data: "gold"\n\n' });
    expect(await chunks.next()).toEqual({ done: true, value: undefined });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('have the ids of their messages', async () => {
    const chunks = eventChunks(
      (async function* () {
        yield 'gold';
      })(),
      JSON.stringify,
      String,
      (message) => `of ${message}`,
    );
    expect(await chunks.next()).toMatchObject({ value: 'id: of gold\ndata: "gold"\n\n' });
  });

  it('that fail after the first comment end with an error event', async () => {
    const { promise: news, reject } = Promise.withResolvers<string>();
    const chunks = eventChunks(
      (async function* () {
        yield await news;
      })(),
      JSON.stringify,
      (error) => (error as Error).message,
    );
    const comment = chunks.next();
    await vi.advanceTimersByTimeAsync(15_000);
    await comment;
    reject(new Error('gone'));
    expect(await chunks.next()).toMatchObject({ value: 'event: error\ndata: gone\n\n' });
    expect(await chunks.next()).toMatchObject({ done: true });
  });
});
