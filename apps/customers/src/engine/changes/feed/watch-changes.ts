import type {
  WatchChangesRequest,
  WatchChangesResponse,
} from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import { countDelivered } from '../log/change-metrics.js';
import { tenantChange } from './change-message.js';
import type { TenantSources } from './list-changes.js';

/** Longest silence of a stream, in milliseconds. */
const keepAliveMs = 15_000;

/** Changes per read. */
const batchSize = 200;

/** Handles WatchChanges until `end`: each change in a message of its own, which is one event in REST. */
export async function* watchChanges(
  request: WatchChangesRequest,
  { tenantId, types, reader, cursors, tail }: TenantSources,
  end: AbortSignal,
): AsyncGenerator<WatchChangesResponse, void> {
  let place = request.cursor === undefined ? await reader.end() : cursors.read(request.cursor);
  const stopKeeping = tail.keepValues();
  try {
    // An expired cursor is refused before the answer begins: a stream of lines has no place for an error.
    if (request.cursor !== undefined) await reader.next(place, 1);
    // Sends the reader its position at once.
    yield { change: undefined, cursor: cursors.write(place) };
    let sentMs = Date.now();
    while (!end.aborted) {
      const batch = await reader.next(place, batchSize);
      countDelivered(batch.entries.map((entry) => entry.time_ms));
      for (const entry of batch.entries) {
        const cursor = cursors.write({ epoch: batch.place.epoch, position: entry.position });
        yield { change: tenantChange(types, entry, tenantId, cursor), cursor };
        sentMs = Date.now();
      }
      place = batch.place;
      if (batch.hasMore) continue;
      // While the end of the log is unknown, no heartbeat is sent.
      if (Date.now() - sentMs >= keepAliveMs && tail.isFresh) {
        yield { change: undefined, cursor: cursors.write(place) };
        sentMs = Date.now();
      }
      await tail.waitBeyond(place.position, Math.max(100, sentMs + keepAliveMs - Date.now()), end);
    }
  } finally {
    stopKeeping();
  }
}
