import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openDemo } from '../demo/open-demo.ts';
import { ApiClient } from './api-client.ts';
import { blocksOf, patternOf, runCommandsOf } from './document-blocks.ts';
import { startLocalMailbox, type StartedTool } from './started-tool.ts';

/** A folder such as that of the repository while `npm start` runs, with a demo that has no story yet. */
let shared: string;
let localMailbox: StartedTool;

beforeAll(async () => {
  shared = await newFolder();
  const platform = await sharedPlatform(inject('platformUrl'));
  const { signal } = new AbortController();
  const dataDir = join(shared, '.rapport');
  const demo = await openDemo(platform, dataDir, () => undefined, signal, `kestrel-${randomUUID()}`);
  // The story has it, and docs/marketing.md sends from it.
  const news = { address: 'news@kestrel.example', kind: 'SEND_ONLY' };
  const api = await ApiClient.connect(platform.edgeUrl, demo.apiKey);
  expect(await api.send('POST', '/v1/mailboxes', { body: news })).toMatchObject({ status: 201 });
  localMailbox = await startLocalMailbox(dataDir);
});
afterAll(async () => {
  await localMailbox.stop();
  await rm(shared, { recursive: true });
});

// `start.test.ts` runs the quickstart, whose answers depend on the story.
test.each([
  ['custom-objects', 7],
  ['quotes', 5],
  ['calendar-feeds', 1],
  ['deals', 11],
  ['files', 2],
  ['leads', 5],
  ['forecasts', 7],
  ['business-time', 5],
  ['service-levels', 3],
  ['money', 4],
  ['search', 1],
  ['clients', 1],
  ['work', 6],
  ['flows', 8],
  ['mail', 4],
  ['support', 12],
  ['knowledge-base', 4],
  ['marketing', 5],
  ['segments', 2],
  ['forms', 2],
])('the commands of docs/%s.md, as they are printed, get the answers that it shows', async (document, answered) => {
  // Documents write files.
  const folder = await newFolder();
  for (const file of ['demo.json', 'mailbox.json'])
    await copyFile(join(shared, '.rapport', file), join(folder, '.rapport', file));
  const outputs = await runCommandsOf(document, folder);
  await rm(folder, { recursive: true });

  expect(outputs).toHaveLength(answered);
  for (const { printed, shown } of outputs) expect(printed).toMatch(patternOf(shown));
});

test('the mailbox to try prints what docs/support.md shows, and its password only into a file for its user', async () => {
  const shown = blocksOf('docs/support.md')[0]?.text.split('\n').slice(1).join('\n') ?? '';
  expect(localMailbox.output().trim()).toMatch(patternOf(shown.replace(/:\d+/, ':…')));
  const file = join(shared, '.rapport/mailbox.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-documents-'));
  await mkdir(join(folder, '.rapport'));
  return folder;
}
