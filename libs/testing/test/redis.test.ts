import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis, type UnexpectedExit } from '../src/index.js';

test('refuses clients without its password', async () => {
  const redis = await started();
  const client = await connected(redis.url);

  await client.set('key', 'value');

  expect(await client.get('key')).toBe('value');
  await expect(connected(`redis://127.0.0.1:${redis.port}`)).rejects.toThrow('NOAUTH');
});

test('does not show its password in the list of processes', async () => {
  const redis = await started();

  const commandLine = await readFile(`/proc/${redis.pid}/cmdline`, 'utf8');

  expect(commandLine).toContain('redis');
  expect(commandLine).not.toContain(new URL(redis.url).password);
});

test('limits its memory, and evicts only keys that expire', async () => {
  const redis = await started({ maxMemoryMib: 8 });
  const client = await connected(redis.url);

  await client.set('lasting', 'x');
  for (let number = 0; number < 32; number += 1) await client.set(`key ${number}`, 'x'.repeat(1 << 20), { EX: 3_600 });

  expect(await client.dbSize()).toBeLessThan(8);
  expect(await client.get('lasting')).toBe('x');
});

test('answers nothing while it is frozen, and resumes afterwards', async () => {
  const redis = await started();
  const client = await connected(redis.url);

  redis.freeze();
  const answer = client.set('key', 'late');
  const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'nothing yet'))]);
  redis.thaw();

  expect(first).toBe('nothing yet');
  expect(await answer).toBe('OK');
});

test('can be stopped while it is frozen', async () => {
  const redis = await startRedis();
  redis.freeze();

  await redis.stop();

  expect(isRunning(redis.pid)).toBe(false);
});

test('reports an unexpected end', async () => {
  const death = Promise.withResolvers<UnexpectedExit>();
  const redis = await started({ onUnexpectedExit: death.resolve });

  process.kill(redis.pid, 'SIGKILL');

  expect((await death.promise).reason).toMatch(/^redis was ended by SIGKILL/);
});

test('ends, though frozen, and leaves no files when the process that started it is killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-test-'));
  const script = `
    const redis = await (await import('@rapport/testing')).startRedis();
    redis.freeze();
    console.log(redis.pid);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: folder },
  });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];

  parent.kill('SIGKILL');

  await expect.poll(() => isRunning(Number(output)), { timeout: 10_000 }).toBe(false);
  await expect.poll(() => readdir(folder), { timeout: 10_000 }).toEqual([]);
  await rm(folder, { recursive: true });
});

async function started(options: Parameters<typeof startRedis>[0] = {}) {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  return redis;
}

async function connected(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => {
    if (client.isOpen) client.destroy();
  });
  return client;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
