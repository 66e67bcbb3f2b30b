import { ChangeOperation, type Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ChangeFeedServiceService } from '@rapport/contracts/rapport/customers/v1/change_feed_service';
import type { JsonObject } from '../effects/effect-port.js';
import type { Acting, RecordCalls } from '../effects/record-calls.js';
import { textIn } from '../effects/record-values.js';
import { jsonMethod } from '../effects/record-methods.js';
import { changeFacts, type ChangeFacts } from '../triggers/match-trigger.js';

const listChanges = jsonMethod(ChangeFeedServiceService.listChanges.path);
const pageSize = 500;

/** Changes of the past, as the caller of a trial sees them. */
export async function* pastChanges(
  calls: RecordCalls,
  acting: Acting,
  { type, start, end, signal }: { type: string; start: Date; end: Date; signal: AbortSignal },
): AsyncGenerator<ChangeFacts[], void> {
  let cursor: string | undefined;
  for (;;) {
    const request = {
      types: [type],
      pageSize,
      ...(cursor !== undefined && { cursor }),
    };
    const page = await calls.ask(listChanges, request, acting, signal);
    const changes = (page['changes'] as readonly JsonObject[]).map(factsOf);
    const within = changes.filter(({ time }) => new Date(time) >= start && new Date(time) < end);
    if (within.length > 0) yield within;
    // Times follow the order of the log within moments; later changes are after the end.
    if (page['hasMore'] !== true || changes.some(({ time }) => new Date(time) >= end)) return;
    cursor = textIn(page, 'nextCursor');
  }
}

function factsOf(json: JsonObject): ChangeFacts {
  const operation = ChangeOperation[json['operation'] as keyof typeof ChangeOperation];
  return changeFacts({ ...(json as unknown as Change), operation });
}
