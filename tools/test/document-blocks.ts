import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '@rapport/testing';

/** Longer than any document takes. */
const timeoutMs = 100_000;

const endOfBlock = '--- end of block ---';

export interface DocumentBlock {
  /** Such as `sh` for commands; undefined for what they print. */
  language: string | undefined;
  text: string;
}

/** The code blocks of a document of the repository, those in other languages included. */
export function blocksOf(document: string): DocumentBlock[] {
  const all = readFileSync(join(import.meta.dirname, '../..', document), 'utf8');
  return [...all.matchAll(/^```(\w+)?\n([^]*?)^```$/gm)].map(([, language, text = '']) => ({ language, text }));
}

/** What commands of a document print, and the output that the document shows below them. */
export interface CommandOutput {
  printed: string;
  shown: string;
}

/**
 * Runs the commands of `docs/<document>.md` as they are printed, one after the other.
 *
 * @param folder like that of the repository while `npm start` runs: with `.rapport/demo.json`, and what else they use
 * @returns those with a shown output
 */
export async function runCommandsOf(document: string, folder: string): Promise<CommandOutput[]> {
  const blocks = blocksOf(`docs/${document}.md`);
  // Every document begins where the quickstart has set URL, KEY and what it uses besides.
  const [settings] = blocksOf('docs/quickstart.md');
  const commands = blocks.filter(({ language, text }) => language === 'sh' && text !== settings?.text);
  const script = [settings, ...commands].map((block) => `${block?.text}\necho\necho '${endOfBlock}'`).join('\n');
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    // A loop that waits in vain ends, and the error has what the commands say.
    timeout: timeoutMs,
    // Node colours what it prints where the suite does.
    env: { ...process.env, FORCE_COLOR: '0', RECEIVER_PORT: String(await freePort()) },
  });
  const printed = stdout.split(`${endOfBlock}\n`).slice(1);
  return commands.flatMap((command, index) => {
    const next = blocks[blocks.indexOf(command) + 1];
    const shown = next && next.language === undefined ? next.text : '';
    return shown === '' ? [] : [{ printed: printed[index]?.trim() ?? '', shown }];
  });
}

/** What a shown output stands for: `…` is any text within a line, and a line break may be added by the document. */
export function patternOf(shown: string): RegExp {
  const parts = shown
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\n */g, '\\s*'));
  return new RegExp(`^${parts.join('[^\\n]*')}$`);
}
