import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sharedPlatform } from '@rapport/testing';
import { expect, inject, test } from 'vitest';

const document = readFileSync(join(import.meta.dirname, '../../docs/deals.md'), 'utf8');
const blocks = [...document.matchAll(/^```(sh)?\n([^]*?)^```$/gm)].map(([, language, text = '']) => ({
  language,
  text,
}));
const endOfBlock = '--- end of block ---';

test('the commands of docs/deals.md get the answers that it shows', async () => {
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
  expect(shown.filter((text) => text !== '')).toHaveLength(5);
  for (const [index, text] of shown.entries()) expect(answers[index]?.trim()).toMatch(patternOf(text));
});

/** `…` stands for any text. */
function patternOf(text: string): RegExp {
  const parts = text
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^\\n]*')}$`);
}
