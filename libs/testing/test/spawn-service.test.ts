import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { freePort, spawnService, type ServiceOptions, type UnexpectedExit } from '../src/index.js';

const healthyService = `
  require('node:http').createServer((request, response) => response.end('ok')).listen(Number(process.env.PORT));
  process.once('SIGTERM', () => process.exit(0));
`;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-test-'));
});

afterEach(() => rm(folder, { recursive: true }));

test('resolves once the service is ready, and restarts it on the same port after a kill', async () => {
  const options = await serviceRunning(healthyService);
  const service = await spawnService(options);

  await service.kill();
  await expect(fetch(`http://127.0.0.1:${options.healthPort}`)).rejects.toThrow();
  await service.start();

  expect((await fetch(`http://127.0.0.1:${options.healthPort}`)).status).toBe(200);
  await service.stop();
});

test('fails at once, with the last log lines, when the service ends before it is ready', async () => {
  const options = await serviceRunning(`console.log('no such database'); process.exit(3);`);

  await expect(spawnService(options)).rejects.toThrow(/test-service exited with code 3.*no such database/s);
});

test('reports the last answer of a service that does not become ready', async () => {
  const options = await serviceRunning(
    healthyService.replace(`response.end('ok')`, `(console.log('asked'), response.writeHead(503).end('no feed'))`),
  );
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ['Date'] });
  const starting = expect(spawnService(options)).rejects.toThrow('503 no feed');

  // The second poll proves that the first answer was processed.
  await expect
    .poll(async () => (await readFile(options.logFile, 'utf8').catch(() => '')).split('asked').length)
    .toBeGreaterThan(2);
  vi.setSystemTime(Date.now() + 600_000);

  await starting;
});

test('reports an unexpected end, and no other', async () => {
  const exits: UnexpectedExit[] = [];
  const service = await spawnService({
    ...(await serviceRunning(healthyService)),
    onUnexpectedExit: (exit) => exits.push(exit),
  });
  await service.kill();
  await service.start();

  process.kill(service.pid ?? 0, 'SIGKILL');

  await expect.poll(() => exits).toHaveLength(1);
  expect(exits[0]?.name).toBe('test-service');
  expect(exits[0]?.reason).toContain('was ended by SIGKILL');
});

test('ends a service that does not stop in time', async () => {
  const service = await spawnService(await serviceRunning(healthyService.replace('process.exit(0)', '0')));

  await service.stop(200);

  expect(() => process.kill(service.pid ?? 0, 0)).toThrow('ESRCH');
});

test('keeps our own environment from the service', async () => {
  const options = await serviceRunning(`console.log('got ' + process.env.VITEST); process.exit(1);`);

  await expect(spawnService(options)).rejects.toThrow('got undefined');
});

async function serviceRunning(code: string): Promise<ServiceOptions> {
  const healthPort = await freePort();
  const script = join(folder, 'service.cjs');
  await writeFile(script, code);
  return { name: 'test-service', script, env: { PORT: String(healthPort) }, healthPort, logFile: join(folder, 'log') };
}
