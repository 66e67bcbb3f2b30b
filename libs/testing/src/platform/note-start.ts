import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Notes how long something took to start, where `npm test` reads it at its end. Without `RAPPORT_STARTS_FILE` it does nothing. */
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
