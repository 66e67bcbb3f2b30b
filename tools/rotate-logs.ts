import { chmod, copyFile, readdir, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/** Size from which a log is rotated, in bytes, and the number of rotated logs of a process. */
const maxBytes = 16 * 1_024 * 1_024;
const kept = 3;

const lookEveryMs = 5_000;

/**
 * Rotates the logs of a folder. Their processes keep their files open for appending: a rotated log is a copy, and a line
 * that is written between copy and truncation may be lost.
 *
 * @returns ends it
 */
export function keepLogsShort(folder: string): () => void {
  const look = () =>
    rotateLogs(folder).catch((error: unknown) => console.error(`The logs can't be put aside: ${String(error)}`));
  const timer = setInterval(() => void look(), lookEveryMs);
  return () => clearInterval(timer);
}

/** Rotates each log that is too long, to `name.log.1` and so on, the newest first. */
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
