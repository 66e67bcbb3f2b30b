import { call, Problem } from './api.ts';

/** Most bytes of one request of an upload: a broken connection loses no more. */
const partBytes = 2 * 2 ** 20;

/**
 * Uploads a file in parts, from where the server has it.
 *
 * @param received asks how much the server has; undefined when it has all of it
 * @throws Problem when a part is refused, or the server cannot be reached for a minute
 */
export async function uploadParts(
  operation: string,
  id: string,
  file: Blob,
  received: () => Promise<number | undefined>,
  onProgress: (receivedBytes: number) => void = () => undefined,
): Promise<void> {
  for (let failures = 0; ;) {
    try {
      const offset = await received();
      if (offset === undefined) return;
      const end = Math.min(offset + partBytes, file.size);
      await call(operation, { id, offset, complete: end === file.size }, { file: file.slice(offset, end) });
      onProgress(end);
      if (end === file.size) return;
      failures = 0;
    } catch (error) {
      failures += 1;
      const isPassing = error instanceof Problem && (error.status === 0 || error.status >= 500 || error.status === 429);
      if (!isPassing || failures > 8) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.min(15_000, 500 * 2 ** failures)));
    }
  }
}
