import { chmod, copyFile, readdir, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Size beyond which a log is put aside, in bytes, and how many of a process are kept beside the one that it writes. */
const maxBytes = 16 * 1_024 * 1_024;
const kept = 3;

const lookEveryMs = 5_000;

/**
 * Keeps the logs in a folder from growing for ever. Their processes go on writing to the files that they have opened for appending:
 * what is put aside is a copy, and a line that is written in the moment between may be lost.
 *
 * @returns ends it
 */
export function keepLogsShort(folder: string): () => void {
  const look = () =>
    rotateLogs(folder).catch((error: unknown) => console.error(`The logs can't be put aside: ${String(error)}`));
  const timer = setInterval(() => void look(), lookEveryMs);
  return () => clearInterval(timer);
}

/** Puts aside each log of a folder that has become too long, as `name.log.1` and so on, the newest first. */
export async function rotateLogs(folder: string): Promise<void> {
  const logs = (await readdir(folder)).filter((name) => name.endsWith('.log')).map((name) => join(folder, name));
  for (const log of logs) {
    if ((await stat(log)).size <= maxBytes) continue;
    for (let age = kept - 1; age >= 1; age -= 1) {
      await rename(`${log}.${age}`, `${log}.${age + 1}`).catch(ignoreMissing);
    }
    await copyFile(log, `${log}.1`);
    await chmod(`${log}.1`, 0o600);
    await truncate(log);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
