import type { QueryFunctionContext } from '@tanstack/react-query';
import { call, readQuery } from './api.ts';
import { itemsAt, textAt, type Json } from './json.ts';

/** Records of a page, unless the parameters say it: the most that lists of records answer with. */
const mostOfPage = 200;
/** Most records of a whole list. */
export const mostOfWhole = 1_000;

/**
 * A list as a whole, page after page, for a screen that places its records. With more than `mostOfWhole` records it has the first
 * ones, and `nextPageToken` is set.
 *
 * @param id of the operation
 * @param items name of the records in its answer
 */
export function wholeQuery(id: string, items: string, parameters: Json, enabled = true) {
  const { queryKey } = readQuery(id, parameters);
  return { queryKey: [...queryKey, 'whole'], queryFn: read, enabled };

  async function read({ signal }: QueryFunctionContext): Promise<Json> {
    const found: Json[] = [];
    let pageToken = '';
    do {
      const answer = await call(id, { pageSize: mostOfPage, ...parameters, pageToken }, { signal });
      found.push(...itemsAt(answer, items));
      pageToken = textAt(answer, 'nextPageToken');
    } while (pageToken !== '' && found.length < mostOfWhole);
    return { [items]: found, nextPageToken: pageToken };
  }
}
