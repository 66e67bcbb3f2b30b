import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@rapport/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { buildPlatform } from '../build-platform.ts';
import { apiOf, type Api } from '../demo/api.ts';
import type { Demo } from '../demo/demo.ts';
import { runPlatform } from '../run-platform.ts';
import { ConsoleUser } from './console-user.ts';
import { sendCampaign, sentTo } from './demo-campaign.ts';
import { blocksOf, patternOf, runCommandsOf } from './document-blocks.ts';
import {
  commandOf,
  curlLinesOf,
  filesOfBuild,
  processesOf,
  readyTimeoutMs,
  runInShell,
  startTool,
  type StartedTool,
} from './started-tool.ts';
import { countOf, storyFacts } from './story-facts.ts';

const timeout = 2 * readyTimeoutMs;
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
test('a start that is cut before the demo is complete is continued, with the same passwords', { timeout }, async () => {
  const cut = await start(edgePort);
  // Its workspace has a key by now, and some of its records.
  const begun = () =>
    readDemo().then(
      (demo) => demo.apiKey && demo,
      () => undefined,
    );
  const { users, isComplete } = await vi.waitUntil(begun, { timeout: readyTimeoutMs });
  await cut.stop();

  await running();

  expect(isComplete).toBe(false);
  expect(users.map(({ name }) => name)).toContain('Mara Lindqvist');
  expect(await readDemo()).toMatchObject({ workspace: 'kestrel', users, isComplete: true });
});

test('puts aside a log that has become too long', { timeout }, async () => {
  const log = join(dataDir, 'logs/edge.log');
  await mkdir(join(dataDir, 'logs'), { recursive: true });
  await writeFile(log, Buffer.alloc(17 * 1_024 * 1_024), { mode: 0o600 });

  await running();

  await expect.poll(() => stat(log).then(({ size }) => size), { timeout: readyTimeoutMs }).toBeLessThan(1_024 * 1_024);
  // The edge may have written into it before.
  expect((await stat(`${log}.1`)).size).toBeGreaterThanOrEqual(17 * 1_024 * 1_024);
});

test('prints what README shows, and answers as it shows', { timeout }, async () => {
  const tool = await running();
  const shown = blocksOf('README.md')[0]?.text.replaceAll('127.0.0.1:8080', `127.0.0.1:${edgePort}`) ?? '';
  const [, welcome = '', curl = '', answer = ''] = /^\$ npm start\n([^]*)^\$ (curl .*)\n(.*)$/m.exec(shown) ?? [];

  expect(
    tool.output().split('Address, key, and all users')[0]?.slice(tool.output().indexOf('Rapport is ready.')).trim(),
  ).toMatch(patternOf(welcome.replaceAll('…/.rapport', '…')));
  const [list = ''] = curlLinesOf(tool.output());
  expect(list).toMatch(patternOf(curl));
  const { stdout } = await promisify(execFile)('sh', ['-c', list]);
  expect(stdout).toMatch(patternOf(answer));
});

test('opens the console with what it prints, and has no password in a log', { timeout }, async () => {
  const tool = await running();
  const { url, workspace, users } = await readDemo();
  const [mara] = users;

  const page = await fetch(`${url}/`, { headers: { accept: 'text/html' } });
  const user = await ConsoleUser.signIn(url, workspace, { id: '', ...mara! });
  const session: unknown = await (await user.call('GET', '/console/session')).json();

  expect(await page.text()).toContain('<title>Rapport</title>');
  expect(user.landedAt).toBe(`${url}/`);
  const { name, email } = mara!;
  expect(session).toMatchObject({ user: { name, email }, workspace: { name: 'Kestrel Instruments', slug: 'kestrel' } });
  expect(users.map(({ role }) => role)).toEqual(['admin', 'Sales', 'Sales', 'Sales', 'Support', 'read-only']);
  const logs = (await readdir(join(dataDir, 'logs'))).map((file) => readFile(join(dataDir, 'logs', file), 'latin1'));
  const text = (await Promise.all(logs)).join('');
  expect(users.filter(({ password }) => text.includes(password))).toEqual([]);
  expect(tool.output().includes(mara!.password)).toBe(tool.output().includes('Making the demo workspace'));
});

test('has deals in every stage, whose open ones add up to 1,082,030 euros', { timeout }, async () => {
  await running();
  const api = await demoApi();
  const filter = encodeURIComponent('customer_id:* AND owner_id:*');
  const deals = await api<{
    groups: { values: [{ value: string }]; count: number; sums: [{ value: string; currencyCode: string }] }[];
  }>('GET', `/v1/deals:aggregate?groupBy=stage&sum=amount&filter=${filter}`);

  const stages = deals.groups.map(({ values, count, sums }) => [values[0].value, count, sums[0].value]);
  expect(stages.toSorted()).toEqual([
    ['discovery', 5, '216250.00'],
    ['lost', 6, '115300.00'],
    ['negotiation', 4, '399100.00'],
    ['proposal', 5, '330800.00'],
    ['qualified', 6, '135880.00'],
    ['won', 6, '113400.00'],
  ]);
});

test('has something to see on every screen', { timeout }, async () => {
  await running();
  const api = await demoApi();
  const facts = await storyFacts(api);

  expect(facts).toEqual({
    imports: [
      ['SUCCEEDED', 502, 5],
      ['UNDONE', 3, 0],
    ],
    undoneMerges: [false, true],
    conflicts: [{ kind: 'FIELDS', count: 7 }],
    erasures: 1,
    users: 6,
    roles: ['Auditor', 'Sales', 'Support'],
    subscriptions: 6,
    subscribers: 3,
    stays: 58,
  });
  const { pairs } = await api<{ pairs: object[] }>('GET', '/v1/duplicates?pageSize=1000&minScore=75');
  expect(pairs.length).toBeGreaterThanOrEqual(14);
  expect(await countOf(api, 'customers', 'countryCode:*')).toBeGreaterThan(500);
  const attempts = async () => {
    const { webhookDeliveries } = await api<{ webhookDeliveries: { state: string; attemptCount: number }[] }>(
      'GET',
      '/v1/webhookDeliveries',
    );
    return webhookDeliveries.filter(({ state, attemptCount }) => state === 'PENDING' && attemptCount > 0).length;
  };
  await expect.poll(attempts, { timeout: readyTimeoutMs }).toBeGreaterThan(0);
});

// What follows changes the workspace.
test('answers the commands of docs/quickstart.md, as they are printed, as it shows', { timeout }, async () => {
  await running();
  const folder = mkdtempSync(join(tmpdir(), 'rapport-quickstart-'));
  await symlink(dataDir, join(folder, '.rapport'));

  const outputs = await runCommandsOf('quickstart', folder);

  await rm(folder, { recursive: true });
  expect(outputs).toHaveLength(18);
  for (const { printed, shown } of outputs) expect(printed).toMatch(patternOf(shown));
});

test('serves the commands it prints, and has its key in a file that only its owner reads', { timeout }, async () => {
  const tool = await running();

  const { mode } = await stat(join(dataDir, 'demo.json'));
  const [list, filter, create] = await Promise.all(curlLinesOf(tool.output()).map(runInShell));

  expect((mode & 0o777).toString(8)).toBe('600');
  expect((await readDemo()).url).toBe(`http://127.0.0.1:${edgePort}`);
  expect(list).toMatchObject({ customers: [{ givenName: 'María José', familyName: 'García Ñíguez' }] });
  const displayName = 'Müller & Söhne Feinmechanik GmbH';
  expect((filter as { customers: object[] }).customers).toContainEqual(expect.objectContaining({ displayName }));
  expect(create).toMatchObject({ displayName: 'Ada Lovelace', phones: [{ number: '+442079460958' }] });
});

test('sends a campaign once the story has ended, and keeps its mail as a file', { timeout }, async () => {
  await running();
  const { url } = await readDemo();
  expect(await sendCampaign(await demoApi(), join(dataDir, 'mail'))).toEqual(sentTo(url));
});

test('refuses a folder that a running Rapport uses', { timeout }, async () => {
  await running();

  const second = await start(await freePort());

  expect(await second.exitCode).toBe(1);
  expect(second.output()).toContain(`Another Rapport is running on ${dataDir}`);
});

test('ends every process on SIGTERM, and finds its data again', { timeout }, async () => {
  const first = await running();
  const demo = await readDemo();
  const facts = await storyFacts(await demoApi());
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
  expect(second.output()).not.toMatch(/demo story|Password +[a-z2-9]{4}-/);
  expect(await storyFacts(await demoApi())).toEqual(facts);
  expect(await sendCampaign(await demoApi(), join(dataDir, 'mail'))).toEqual(sentTo(demo.url));
  expect((await stat(join(dataDir, 'demo.json'))).mode & 0o777).toBe(0o600);
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

  const { signal: stopRequest } = new AbortController();
  const run = runPlatform({
    dataDir,
    edgePort: port,
    tracesEndpoint: undefined,
    onProgress: () => undefined,
    stopRequest,
  });

  await expect(run).rejects.toThrow(`Port ${port} (EDGE_PORT) is not available: another process listens on it`);
  server.close();
});

/** The Rapport of the folder, which is ready: started unless it runs already. */
async function running(): Promise<StartedTool> {
  const tool = started.findLast((each) => !each.hasExited()) ?? (await start(edgePort));
  await tool.isReady();
  return tool;
}

async function start(port: number): Promise<StartedTool> {
  const tool = await startTool(port, dataDir);
  started.push(tool);
  return tool;
}

async function readDemo(): Promise<Demo> {
  return JSON.parse(await readFile(join(dataDir, 'demo.json'), 'utf8')) as Demo;
}

async function demoApi(): Promise<Api> {
  const { url, apiKey } = await readDemo();
  return apiOf(url, apiKey, AbortSignal.timeout(timeout));
}
