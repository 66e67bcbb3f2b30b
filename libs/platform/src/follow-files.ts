import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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
  const look = async () => {
    const contents = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
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
