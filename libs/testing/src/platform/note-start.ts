import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Records the duration of a start for the summary of `npm test`. Without `RAPPORT_STARTS_FILE` it does nothing. */
export async function notingStart<Result>(name: string, start: () => Promise<Result>): Promise<Result> {
  const startMs = performance.now();
  const started = await start();
  const file = process.env['RAPPORT_STARTS_FILE'];
  if (file !== undefined) {
    mkdirSync(dirname(file), { recursive: true });
    appendFileSync(file, `${JSON.stringify({ name, ms: Math.round(performance.now() - startMs) })}\n`);
  }
  return started;
}
