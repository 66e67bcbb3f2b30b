import type {
  ListChangesRequest,
  ListChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import type { ChangeCursors } from '../log/change-cursor.js';
import type { ChangeEntry } from '../log/change-entry.js';
import type { ChangeReader } from '../log/change-reader.js';
import type { ChangeTail } from '../log/change-tail.js';
import type { LoggedTypes } from '../log/logged-types.js';
import { tenantChange } from './change-message.js';

/** Dependencies for reading and converting the changes of a tenant. */
export interface TenantSources {
  tenantId: string;
  types: LoggedTypes;
  reader: ChangeReader;
  cursors: ChangeCursors;
  tail: ChangeTail;
}

const defaultPageSize = 100;

/** Longest search for changes that match the filter among many that do not, in milliseconds. */
const lookForMs = 2_000;

/**
 * Handles ListChanges.
 *
 * @param gone aborted when the client has gone
 */
export async function listChanges(
  request: ListChangesRequest,
  { tenantId, types, reader, cursors, tail }: TenantSources,
  gone: AbortSignal | undefined,
): Promise<ListChangesResponse> {
  const { pageSize = defaultPageSize, waitSeconds = 0, cursor } = request;
  const startMs = Date.now();
  const waitUntilMs = startMs + waitSeconds * 1_000;
  let place = cursor === undefined ? await reader.oldest() : cursors.read(cursor);
  const stopKeeping = waitSeconds > 0 ? tail.keepValues() : () => undefined;
  try {
    for (;;) {
      const { entries, hasMore, ...batch } = await reader.next(place, pageSize);
      place = batch.place;
      const nowMs = Date.now();
      const isOver = hasMore
        ? nowMs - startMs > lookForMs && nowMs >= waitUntilMs
        : nowMs >= waitUntilMs || tail.isStopping;
      if (entries.length > 0 || isOver || gone?.aborted)
        return { ...answer(entries), nextCursor: cursors.write(place), hasMore };
      if (!hasMore) await tail.waitBeyond(place.position, waitUntilMs - nowMs, gone);
    }
  } finally {
    stopKeeping();
  }

  function answer(entries: ChangeEntry[]) {
    const { epoch } = place;
    const changes = entries.map((entry) =>
      tenantChange(types, entry, tenantId, cursors.write({ epoch, position: entry.position })),
    );
    return { changes };
  }
}
