import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdtempSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildPlatform } from '../build-platform.ts';
import { processRestarter } from '../restart-processes.ts';
import { blocksOf, patternOf } from './document-blocks.ts';

/** Longer than any machine takes, so that only what hangs is given up. */
const [readyTimeoutMs, timeout] = [300_000, 600_000];
/** One folder for all: what a start finds in it is part of what is tested. */
const dataDir = mkdtempSync(join(tmpdir(), 'rapport-start-'));
const started: StartedTool[] = [];
let edgePort: number;
let built: number[][];

beforeAll(async () => {
  await buildPlatform(() => undefined, new AbortController().signal);
  built = await filesOfBuild();
  edgePort = await freePort();
});

afterAll(async () => {
  for (const tool of started) await tool.stop();
  await rm(dataDir, { recursive: true });
});

// What comes first needs a Rapport that has not started yet, and what comes last leaves none.
test('puts aside a log that has become too long', { timeout }, async () => {
  const log = join(dataDir, 'logs/edge.log');
  await mkdir(join(dataDir, 'logs'));
  await writeFile(log, Buffer.alloc(17 * 1_024 * 1_024), { mode: 0o600 });

  await running();

  await expect.poll(() => stat(log).then(({ size }) => size), { timeout: readyTimeoutMs }).toBeLessThan(1_024 * 1_024);
  expect((await stat(`${log}.1`)).size).toBe(17 * 1_024 * 1_024);
});

test('serves the commands it prints, and has its key in a file that only its owner reads', { timeout }, async () => {
  const tool = await running();

  const { mode } = await stat(join(dataDir, 'demo.json'));
  const [list, filter, create] = await Promise.all(curlLinesOf(tool.output()).map(runInShell));

  expect((mode & 0o777).toString(8)).toBe('600');
  expect((await readDemo()).url).toBe(`http://127.0.0.1:${edgePort}`);
  expect(list).toMatchObject({ customers: [{ givenName: 'María José', familyName: 'García Ñíguez' }] });
  expect(filter).toMatchObject({ customers: [{ displayName: 'Müller & Söhne Feinmechanik GmbH' }] });
  expect(create).toMatchObject({ displayName: 'Ada Lovelace', phones: [{ number: '+442079460958' }] });
});

test('prints what README shows, and answers as it shows', { timeout }, async () => {
  const tool = await running();
  const shown = blocksOf('README.md')[0]?.text.replaceAll('127.0.0.1:8080', `127.0.0.1:${edgePort}`) ?? '';
  const [, welcome = '', curl = '', answer = ''] = /^\$ npm start\n([^]*)^\$ (curl .*)\n(.*)$/m.exec(shown) ?? [];

  expect(
    tool.output().split('URL and key are in')[0]?.slice(tool.output().indexOf('Rapport is ready.')).trim(),
  ).toMatch(patternOf(welcome.replace('…/.rapport', '…')));
  const [list = ''] = curlLinesOf(tool.output());
  expect(list).toMatch(patternOf(curl));
  const { stdout } = await promisify(execFile)('sh', ['-c', list]);
  expect(stdout).toMatch(patternOf(answer));
});

test('has demo deals in every stage of their pipeline, each with its customer', { timeout }, async () => {
  await running();
  const { url, apiKey } = await readDemo();
  const read = async <Body>(path: string) =>
    (await (await fetch(url + path, { headers: { authorization: `Bearer ${apiKey}` } })).json()) as Body;

  const { pipelines } = await read<{ pipelines: { name: string; stages: { key: string }[] }[] }>('/v1/pipelines');
  const deals = await read<{ total: { count: number }; groups: { values: { value: string }[] }[] }>(
    `/v1/deals:aggregate?groupBy=stage&filter=${encodeURIComponent('customer_id:*')}`,
  );

  expect(pipelines.map(({ name }) => name)).toEqual(['New business']);
  const stages = pipelines.flatMap((pipeline) => pipeline.stages.map(({ key }) => key));
  expect(stages).toHaveLength(5);
  expect(deals.groups.map(({ values }) => values[0]?.value).toSorted()).toEqual(stages.toSorted());
  expect(deals.total.count).toBe(40);
});

test(
  'has demo subscriptions, which are records of an object of its own, and belong to companies',
  { timeout },
  async () => {
    await running();
    const { url, apiKey } = await readDemo();
    const count = async (path: string, filter: string) => {
      const answer = await fetch(`${url}${path}:aggregate?filter=${encodeURIComponent(filter)}`, {
        headers: { authorization: `Bearer ${apiKey}` },
      });
      return ((await answer.json()) as { total: { count: number } }).total.count;
    };

    expect(await count('/v1/objects/subscription/records', 'customFields.seats > 0 AND customFields.plan:*')).toBe(6);
    expect(await count('/v1/customers', 'associations.subscribes_to.objects.subscription:*')).toBe(3);
  },
);

test('refuses a folder that a running Rapport uses', { timeout }, async () => {
  await running();

  const second = await start(await freePort());

  expect(await second.exitCode).toBe(1);
  expect(second.output()).toContain(`Another Rapport is running on ${dataDir}`);
});

test('ends every process on SIGTERM, and finds its data again', { timeout }, async () => {
  const first = await running();
  const demo = await readDemo();
  const created = await runInShell(curlLinesOf(first.output()).at(-1) ?? '');
  const processes = processesOf(dataDir);
  const exitCode = await first.stop();

  expect(processes.length).toBeGreaterThanOrEqual(4);
  expect(processes.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  expect(exitCode).toBe(0);

  const second = await running();
  const url = `${demo.url}/v1/customers/${(created as { id: string }).id}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${demo.apiKey}` } });

  expect(await readDemo()).toEqual(demo);
  expect(await response.json()).toEqual(created);
  expect(second.output()).not.toContain('Loading the demo records');
});

test('leaves alone what is built', { timeout }, async () => {
  await running();

  expect(built).toHaveLength(4);
  expect(await filesOfBuild()).toEqual(built);
});

test('starts a process again that dies, PostgreSQL too, and says so', { timeout }, async () => {
  const tool = await running();
  const { url, apiKey } = await readDemo();
  const list = () => fetch(`${url}/v1/customers`, { headers: { authorization: `Bearer ${apiKey}` } });

  const programs = [
    ['customers', 'apps/customers/dist/main.js'],
    ['edge', 'apps/edge/dist/main.js'],
    ['postgres', 'bin/postgres -D'],
  ] as const;
  for (const [name, command] of programs) {
    process.kill(Number(processesOf(dataDir).find((pid) => commandOf(pid).includes(command))), 'SIGKILL');

    await expect.poll(() => tool.output(), { timeout: readyTimeoutMs }).toContain(`${name} is running again`);
    expect(tool.output()).toContain(`${name} was ended by SIGKILL`);
    expect(tool.output()).toContain(`Starting ${name} again in 1 s`);
    await expect.poll(() => list().then(({ status }) => status, String), { timeout: readyTimeoutMs }).toBe(200);
  }

  const processes = processesOf(dataDir);
  expect(await tool.stop()).toBe(0);
  expect(processes.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
});

test('names the port that is taken', { timeout }, async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };

  const tool = await start(port);

  expect(await tool.exitCode).toBe(1);
  expect(tool.output()).toContain(`Port ${port} (EDGE_PORT) is not available: another process listens on it`);
  server.close();
});

test('waits longer each time that a process dies again', async () => {
  const lines: string[] = [];
  const stop = new AbortController();
  const onExit = processRestarter((line) => lines.push(line), stop.signal, 1);
  let tries = 0;
  const restart = () => {
    tries += 1;
    if (tries === 3) stop.abort();
    return Promise.reject(new Error(`ended early for the ${tries}. time`));
  };

  onExit({ name: 'edge', reason: 'edge was ended by SIGKILL', restart });

  await expect.poll(() => tries).toBe(3);
  const pauses = lines.flatMap((line) => /again in (.+)/.exec(line)?.[1] ?? []);
  expect(pauses).toEqual(['0.001 s', '0.002 s', '0.004 s']);
});

interface StartedTool {
  output(): string;
  isReady(): Promise<void>;
  exitCode: Promise<number | null>;
  hasExited(): boolean;
  stop(): Promise<number | null>;
}

/** The Rapport of the folder, which is ready: started unless it runs already. */
async function running(): Promise<StartedTool> {
  const tool = started.findLast((each) => !each.hasExited()) ?? (await start(edgePort));
  await tool.isReady();
  return tool;
}

async function start(port: number): Promise<StartedTool> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../start.ts')], {
    env: { ...process.env, EDGE_PORT: String(port), RAPPORT_DIR: dataDir },
    // By the channel's end it knows that we are gone, however we ended.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
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
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  return {
    output: () => output,
    isReady: async () => {
      const isReady = () => {
        if (hasExited()) throw new Error(`It has ended:\n${output}`);
        return output.includes('Ctrl-C stops everything');
      };
      await vi.waitUntil(isReady, { timeout: readyTimeoutMs });
    },
    exitCode,
    hasExited,
    stop: () => {
      child.kill('SIGTERM');
      return exitCode;
    },
  };
}

/** Which files the programs are, and of when. */
function filesOfBuild(): Promise<number[][]> {
  const programs = globSync(join(import.meta.dirname, '../../apps/*/dist/main.js')).toSorted();
  return Promise.all(programs.map((file) => stat(file).then(({ ino, mtimeMs }) => [ino, mtimeMs])));
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
  return readProcess(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
}

/** A process may end while one looks at it. */
function readProcess(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
