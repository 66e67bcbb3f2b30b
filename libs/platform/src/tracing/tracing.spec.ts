import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  continueTrace,
  inSpan,
  isTracing,
  SpanKind,
  startSpan,
  startTrace,
  startTracing,
  stopTracing,
  traceparentOf,
} from './tracing.js';

const logger = pino({ level: 'silent' });
const start = { kind: SpanKind.INTERNAL };
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';
const traceparent = `00-${traceId}-${spanId}-01`;

it('creates no spans without an endpoint, and does the work', async () => {
  await startTracing({ process: 'test', endpoint: undefined }, logger);

  expect(isTracing()).toBe(false);
  expect(startTrace('request', start, traceparent)).toBeUndefined();
  expect(await inSpan(startSpan('step', start), async () => Promise.resolve(traceparentOf() ?? 'done'))).toBe('done');
});

describe('with an endpoint', () => {
  // An address where nothing listens.
  beforeAll(() => startTracing({ process: 'test', endpoint: 'http://127.0.0.1:9' }, logger));
  afterAll(stopTracing);

  it('continues a traceparent, with any flags and with fields of future versions', () => {
    for (const given of [traceparent, `00-${traceId}-${spanId}-00`, `01-${traceId}-${spanId}-01-more`]) {
      expect(traceparentOf(startTrace('request', start, given)), given).toMatch(
        new RegExp(`^00-${traceId}-(?!${spanId})[\\da-f]{16}-01$`),
      );
    }
  });

  it.each([
    ['no version', `ff-${traceId}-${spanId}-01`],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-${spanId}-01`],
    ['an all-zero span id', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capitals', traceparent.toUpperCase()],
    ['extra fields for its version', `${traceparent}-more`],
    ['text', 'anything'],
  ])('starts a new trace for %s', (_what, given) => {
    expect(traceparentOf(startTrace('request', start, given))).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
    expect(traceparentOf(startTrace('request', start, given))).not.toContain(traceId);
  });

  it('starts child spans within a span only, and none without a traceparent', async () => {
    expect(startSpan('step', start)).toBeUndefined();
    expect(continueTrace('call', start, undefined)).toBeUndefined();

    const step = await inSpan(continueTrace('call', start, traceparent), async () =>
      Promise.resolve(startSpan('step', start)),
    );

    expect(traceparentOf(step)).toContain(traceId);
  });
});

it('sends buffered spans before it stops', async () => {
  let requests = 0;
  const collector = createServer((_request, response) => {
    requests += 1;
    response.end('{}');
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  await startTracing({ process: 'test', endpoint: `http://127.0.0.1:${port}` }, logger);
  startTrace('request', start)?.end();

  await stopTracing();

  expect(requests).toBe(1);
  collector.closeAllConnections();
  collector.close();
});
