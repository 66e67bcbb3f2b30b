import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';

const endOfBlock = '--- end of block ---';

test.each([
  ['deals', 5],
  ['custom-objects', 7],
])('the commands of docs/%s.md get the answers that it shows', async (document, answered) => {
  const blocks = blocksOf(document);
  const platform = await sharedPlatform(inject('platformUrl'));
  const { apiKey } = await platform.createTenant('Reader');
  const [settings, ...others] = blocks;
  const commands = others.filter(({ language }) => language === 'sh');

  const script = [settings, ...commands].map((block) => `${block?.text}\necho\necho '${endOfBlock}'`).join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    env: { ...process.env, URL: platform.edgeUrl, KEY: apiKey },
  });

  const answers = stdout.split(`${endOfBlock}\n`).slice(1);
  const shown = commands.map((command) => {
    const next = others[others.indexOf(command) + 1];
    return next && next.language === undefined ? next.text : '';
  });
  expect(shown.filter((text) => text !== '')).toHaveLength(answered);
  for (const [index, text] of shown.entries()) expect(answers[index]?.trim()).toMatch(patternOf(text));
});

/** The code blocks of a document. */
function blocksOf(document: string): { language: string | undefined; text: string }[] {
  const all = readFileSync(join(import.meta.dirname, `../../docs/${document}.md`), 'utf8');
  return [...all.matchAll(/^```(sh)?\n([^]*?)^```$/gm)].map(([, language, text = '']) => ({ language, text }));
}

/** `…` stands for any text. */
function patternOf(text: string): RegExp {
  const parts = text
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^\\n]*')}$`);
}
