import { describe, expect, it } from 'vitest';
import { prefers } from './accept-header.js';

const events = (accept: string | undefined) => prefers(accept, 'text/event-stream', 'application/x-ndjson');

describe('an Accept header', () => {
  it.each([
    'text/event-stream',
    'TEXT/Event-Stream',
    'text/event-stream, */*',
    'text/*',
    'application/x-ndjson;q=0.5, text/event-stream;q=0.8',
    'text/event-stream;charset=utf-8',
  ])('prefers events with %s', (accept) => expect(events(accept)).toBe(true));

  it.each([
    undefined,
    '',
    '*/*',
    'application/json',
    'application/x-ndjson, text/event-stream',
    'text/event-stream;q=0',
    'text/event-stream;q=0.5, */*',
    'text/event-stream;q=x',
  ])('does not prefer events with %s', (accept) => expect(events(accept)).toBe(false));
});
