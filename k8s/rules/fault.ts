import type { Manifest } from '../manifest.ts';

/** The sentences of those checks that found a fault. */
export function faults(...checks: [isFault: boolean | undefined, sentence: string][]): string[] {
  return checks.filter(([isFault]) => isFault).map(([, sentence]) => sentence);
}

/** Prefixes sentences with their manifest. */
export function labelled({ kind, metadata }: Manifest, sentences: string[]): string[] {
  return sentences.map((sentence) => `${kind} ${metadata.name}: ${sentence}`);
}
