import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DocumentBlock {
  /** `sh` for commands; undefined for what they print. */
  language: string | undefined;
  text: string;
}

/** The code blocks of a document of the repository. */
export function blocksOf(document: string): DocumentBlock[] {
  const all = readFileSync(join(import.meta.dirname, '../..', document), 'utf8');
  return [...all.matchAll(/^```(sh)?\n([^]*?)^```$/gm)].map(([, language, text = '']) => ({ language, text }));
}

/** What a shown output stands for: `…` is any text within a line, and a line break may be added by the document. */
export function patternOf(shown: string): RegExp {
  const parts = shown
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/\n */g, '\\s*'));
  return new RegExp(`^${parts.join('[^\\n]*')}$`);
}
