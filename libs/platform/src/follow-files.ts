import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Logger } from './logging/logger.js';

/**
 * Loads the contents of files now, and again whenever one of them changes, until it is stopped. It polls: file system
 * events miss files that are replaced through a symbolic link, which is how Kubernetes updates them.
 *
 * @param take gets the contents in the order of `paths`. It throws for invalid contents, such as a certificate whose
 *   key has not been replaced yet; the previous contents stay in use.
 * @param intervalMs polling interval in milliseconds
 * @returns a function that stops polling
 * @throws what the first read or `take` throws
 */
export function followFiles(
  paths: readonly string[],
  take: (contents: readonly string[]) => void,
  logger: Logger,
  intervalMs = 1_000,
): () => void {
  let seen = paths.map((path) => readFileSync(path, 'utf8'));
  take(seen);
  let isReading = false;
  let [read, settled] = ['', ''];
  const look = async () => {
    const stamps = await stampsOf(paths);
    if (stamps === settled) return;
    const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    // Stamps are as coarse as some milliseconds: what was written twice within them is found by one more look.
    if (stamps === read) settled = stamps;
    read = stamps;
    if (contents.every((content, index) => content === seen[index])) return;
    seen = contents;
    take(contents);
    logger.info({ paths }, 'reloaded changed files');
  };
  const timer = setInterval(() => {
    if (isReading) return;
    isReading = true;
    look()
      .catch((error: unknown) => logger.warn({ err: error, paths }, 'changed files are invalid'))
      .finally(() => (isReading = false));
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** Text that differs when one of the files was written or replaced. */
async function stampsOf(paths: readonly string[]): Promise<string> {
  const found = await Promise.all(paths.map((path) => stat(path, { bigint: true })));
  return found.map(({ dev, ino, size, ctimeNs }) => `${dev} ${ino} ${size} ${ctimeNs}`).join();
}
