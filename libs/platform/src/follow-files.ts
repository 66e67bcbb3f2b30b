import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Logger } from './logging/logger.js';

/**
 * Takes the contents of files now, and again whenever one of them changes, for as long as the process runs. It looks by
 * reading: events of a file system miss files that are replaced through a symbolic link, which is how Kubernetes does it.
 *
 * @param take gets the contents in the order of `paths`. It throws for contents that can't be used, such as a certificate
 *   whose key has not been replaced yet: then what it took before stays in use.
 * @param intervalMs how often it looks, in milliseconds
 * @returns stops it
 * @throws what reading or taking throws the first time
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
    logger.info({ paths }, 'took up changed files');
  };
  const timer = setInterval(() => {
    if (isReading) return;
    isReading = true;
    look()
      .catch((error: unknown) => logger.warn({ err: error, paths }, 'changed files can not be used'))
      .finally(() => (isReading = false));
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
