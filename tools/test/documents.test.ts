import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, sharedPlatform } from '@rapport/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openDemo } from '../demo/open-demo.ts';
import { playStory } from '../demo/story.ts';
import { blocksOf, patternOf } from './document-blocks.ts';

const endOfBlock = '--- end of block ---';
/** Every document begins where the quickstart has set URL, KEY and what it uses besides. */
const [settings] = blocksOf('docs/quickstart.md');

/** The documents whose answers depend on what the commands of others would leave. */
const untouched = ['quickstart'];
/** A folder such as that of the repository while `npm start` runs: with `.rapport/demo.json`. */
let shared: string;

beforeAll(async () => {
  shared = await folderOfDemo();
});
afterAll(() => rm(shared, { recursive: true }));

test.each([
  ['quickstart', 18],
  ['custom-objects', 7],
  ['quotes', 5],
  ['calendar-feeds', 1],
  ['deals', 11],
  ['files', 2],
  ['leads', 5],
  ['forecasts', 7],
  ['business-time', 4],
  ['service-levels', 3],
  ['money', 4],
  ['search', 1],
  ['clients', 1],
  ['work', 6],
  ['flows', 6],
  ['mail', 3],
  ['support', 8],
  ['knowledge-base', 4],
  ['marketing', 4],
  ['segments', 2],
  ['forms', 2],
])('the commands of docs/%s.md, as they are printed, get the answers that it shows', async (document, answered) => {
  const blocks = blocksOf(`docs/${document}.md`);
  const commands = blocks.filter(({ language, text }) => language === 'sh' && text !== settings?.text);
  const script = [settings, ...commands].map((block) => `${block?.text}\necho\necho '${endOfBlock}'`).join('\n');

  const stdout = await runBesideStart(script, document);

  const answers = stdout.split(`${endOfBlock}\n`).slice(1);
  const shown = commands.map((command) => {
    const next = blocks[blocks.indexOf(command) + 1];
    return next && next.language === undefined ? next.text : '';
  });
  expect(shown.filter((text) => text !== '')).toHaveLength(answered);
  for (const [index, text] of shown.entries()) expect(answers[index]?.trim()).toMatch(patternOf(text));
});

/** What a script prints in a folder of the demo. */
async function runBesideStart(script: string, document: string): Promise<string> {
  const folder = untouched.includes(document) ? await folderOfDemo(document === 'quickstart') : await copyOf(shared);
  try {
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      // Node colours what it prints where the suite does.
      env: { ...process.env, FORCE_COLOR: '0', RECEIVER_PORT: String(await freePort()) },
    });
    return stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** @param isComplete whether the demo has its story, which takes seconds: one document stands for all that it must not disturb */
async function folderOfDemo(isComplete = false): Promise<string> {
  const folder = await newFolder();
  const platform = await sharedPlatform(inject('platformUrl'));
  const { signal } = new AbortController();
  const dataDir = join(folder, '.rapport');
  const demo = await openDemo(platform, dataDir, () => undefined, signal, `kestrel-${randomUUID()}`);
  if (isComplete) await playStory(demo, platform, () => undefined, signal);
  return folder;
}

async function copyOf(folder: string): Promise<string> {
  const copy = await newFolder();
  await copyFile(join(folder, '.rapport/demo.json'), join(copy, '.rapport/demo.json'));
  return copy;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-documents-'));
  await mkdir(join(folder, '.rapport'));
  return folder;
}
