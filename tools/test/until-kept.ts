import { expect } from 'vitest';
import type { ApiClient } from './api-client.ts';
import type { Answer } from './open-api.ts';

/** Reads until the answer comes from the edge's cache: then the change log has delivered the last write. */
export async function untilKept(api: ApiClient, path: string): Promise<Answer> {
  let answer: Answer | undefined;
  const read = async () => {
    answer = await api.send('GET', path);
    return answer.headers.get('cache-status');
  };
  await expect.poll(read, { timeout: 60_000 }).toMatch(/^rapport; hit/);
  return answer!;
}
