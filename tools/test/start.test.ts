import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@rapport/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;

let dataDir: string;
let started: StartedTool[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'rapport-start-'));
  started = [];
});

afterEach(async () => {
  for (const tool of started) await tool.stop();
  await rm(dataDir, { recursive: true });
});

test('serves the commands it prints, ends every process on SIGTERM, and finds its data again', async () => {
  const port = await freePort();
  const first = await start(port);
  await first.isReady();

  const { mode } = await stat(join(dataDir, 'demo.json'));
  const firstDemo = await readDemo();
  const [list, filter, create] = await Promise.all(curlLinesOf(first.output()).map(runInShell));
  const processes = processesOf(dataDir);
  const stopStarted = Date.now();
  const exitCode = await first.stop();

  expect((mode & 0o777).toString(8)).toBe('600');
  expect(firstDemo.url).toBe(`http://127.0.0.1:${port}`);
  expect(list).toMatchObject({ customers: [{ givenName: 'María José', familyName: 'García Ñíguez' }] });
  expect(filter).toMatchObject({ customers: [{ displayName: 'Müller & Söhne Feinmechanik GmbH' }] });
  expect(create).toMatchObject({ displayName: 'Ada Lovelace', phones: [{ number: '+442079460958' }] });
  expect(processes.length).toBeGreaterThanOrEqual(4);
  expect(processes.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  expect(Date.now() - stopStarted).toBeLessThan(stopTimeoutMs);
  expect(exitCode).toBe(0);

  const second = await start(port);
  await second.isReady();
  const url = `${firstDemo.url}/v1/customers/${(create as { id: string }).id}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${firstDemo.apiKey}` } });

  expect(await readDemo()).toEqual(firstDemo);
  expect(await response.json()).toEqual(create);
  expect(second.output()).not.toContain('Loading the demo records');
});

test('names the port that is taken', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };

  const tool = await start(port);

  expect(await tool.exitCode).toBe(1);
  expect(tool.output()).toContain(`Port ${port} (EDGE_PORT) is not available: another process listens on it`);
  server.close();
});

test('refuses a folder that a running Rapport uses', async () => {
  const first = await start(await freePort());
  await first.isReady();

  const second = await start(await freePort());

  expect(await second.exitCode).toBe(1);
  expect(second.output()).toContain(`Another Rapport is running on ${dataDir}`);
});

test('says which process died and why, and stops the rest', async () => {
  const tool = await start(await freePort());
  await tool.isReady();
  const customers = processesOf(dataDir).find((pid) => commandOf(pid).includes('apps/customers/dist/main.js'));

  process.kill(Number(customers), 'SIGKILL');

  expect(await tool.exitCode).toBe(1);
  expect(tool.output()).toContain('customers was ended by SIGKILL');
  expect(processesOf(dataDir)).toEqual([]);
});

interface StartedTool {
  output(): string;
  isReady(): Promise<void>;
  exitCode: Promise<number | null>;
  stop(): Promise<number | null>;
}

async function start(edgePort: number): Promise<StartedTool> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../start.ts')], {
    env: { ...process.env, EDGE_PORT: String(edgePort), RAPPORT_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await once(child, 'spawn');
  const tool = observe(child);
  started.push(tool);
  return tool;
}

function observe(child: ChildProcess): StartedTool {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return {
    output: () => output,
    isReady: () => expect.poll(() => output, { timeout: readyTimeoutMs }).toContain('Ctrl-C stops everything'),
    exitCode,
    stop: () => {
      child.kill('SIGTERM');
      return exitCode;
    },
  };
}

async function readDemo(): Promise<{ url: string; apiKey: string }> {
  return JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as { url: string; apiKey: string };
}

function curlLinesOf(output: string): string[] {
  return output.split('\n').filter((line) => line.startsWith('curl '));
}

async function runInShell(line: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)('sh', ['-c', line]);
  return JSON.parse(stdout) as unknown;
}

/** The processes that a platform started: they write their logs below its folder. */
function processesOf(folder: string): string[] {
  const pids = globSync('/proc/[0-9]*').map((path) => path.slice('/proc/'.length));
  return pids.filter((pid) => readProcess(() => readlinkSync(`/proc/${pid}/fd/1`)).startsWith(folder));
}

function commandOf(pid: string): string {
  return readProcess(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
}

/** A process may end while one looks at it. */
function readProcess(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
