import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Readiness } from '../readiness.js';
import { startHealthServer } from './health-server.js';

let server: Awaited<ReturnType<typeof startHealthServer>> | undefined;

afterEach(() => server?.close());

async function probe(path: string, readiness: Readiness): Promise<Response> {
  server = await startHealthServer(0, readiness);
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
}

describe('the probes', () => {
  it('report ready when every check passes', async () => {
    const answer = await probe('/readyz', new Readiness({ needed: { database: async () => undefined } }));
    expect(answer.status).toBe(200);
  });

  it('name the failing check and stay alive', async () => {
    const readiness = new Readiness({
      needed: { database: () => Promise.reject(new Error('gone')), other: async () => undefined },
    });
    const answer = await probe('/readyz', readiness);
    expect(answer.status).toBe(503);
    expect(await answer.json()).toEqual({ status: 'unavailable', missing: ['database'] });
    server?.close();
    expect((await probe('/livez', readiness)).status).toBe(200);
  });

  it('name the failed optional check of a process that stays ready', async () => {
    let isDown = true;
    const check = () => (isDown ? Promise.reject(new Error('gone')) : Promise.resolve());
    const readiness = new Readiness({ neededAtStart: { service: check } });
    expect((await probe('/readyz', readiness)).status).toBe(503);
    for (const isDownNow of [false, true]) {
      isDown = isDownNow;
      server?.close();
      const answer = await probe('/readyz', readiness);
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual(isDown ? { status: 'degraded', missing: ['service'] } : { status: 'ok' });
    }
  });

  it('wait half a minute at the start for what most work does without', async () => {
    const readiness = new Readiness({ awaitedAtStart: { service: () => Promise.reject(new Error('gone')) } });
    expect((await probe('/readyz', readiness)).status).toBe(503);
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 30_000);
    server?.close();
    const answer = await probe('/readyz', readiness);
    clock.mockRestore();
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'degraded', missing: ['service'] });
  });

  it('name what lags, at the start of a process too', async () => {
    const readiness = new Readiness({ watched: { queue: () => Promise.reject(new Error('an hour')) } });
    const answer = await probe('/readyz', readiness);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ status: 'degraded', missing: ['queue'] });
  });

  it('serve the metrics of the process beside them', async () => {
    const answer = await probe('/metrics', new Readiness({}));
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toContain('process_cpu_seconds_total');
  });

  it('report not ready while draining', async () => {
    const readiness = new Readiness({});
    readiness.drain();
    expect((await probe('/readyz', readiness)).status).toBe(503);
  });
});
