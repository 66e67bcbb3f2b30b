import { call, Problem } from './api.ts';
import { theContract } from './contract.ts';
import { isSame, textAt, type Json } from './json.ts';

/** The last write of each record that is under way or waits, by id. */
const turns = new Map<string, Promise<unknown>>();
/** What writes of this page made of a version, by the id and etag of that version. */
const made = new Map<string, Json>();
const mostMade = 100;

/**
 * Writes a record once the earlier writes of this page to it have ended, over the version that they made of the one that is shown: the
 * second of two quick changes does not meet the first one as a change by someone else.
 *
 * @param write writes over a version, and answers the next one
 * @param laterOf the version to write over after a refusal, or throws it
 */
export async function inTurn(
  record: Json,
  write: (over: Json) => Promise<Json>,
  laterOf?: (over: Json, error: unknown) => Promise<Json>,
): Promise<Json> {
  const id = textAt(record, 'id');
  const turn = Promise.allSettled([turns.get(id)]).then(async () => {
    let over = record;
    for (let next = made.get(keyOf(over)); next; next = made.get(keyOf(over))) over = next;
    const saved = await write(over).catch(async (error: unknown) => {
      if (!laterOf) throw error;
      over = await laterOf(over, error);
      return write(over);
    });
    if (keyOf(saved) !== keyOf(over)) made.set(keyOf(over), saved);
    for (const [oldest] of made) if (made.size > mostMade) made.delete(oldest);
    return saved;
  });
  turns.set(id, turn);
  try {
    return await turn;
  } finally {
    if (turns.get(id) === turn) turns.delete(id);
  }
}

/** Changes fields of a record, over a later version too if that has the same values in them. @param name of its resource @throws Problem */
export function patch(name: string, record: Json, body: Json): Promise<Json> {
  const { get, update = '' } = theContract().resource(name) ?? {};
  const { id } = record;
  const laterOf = async (over: Json, error: unknown) => {
    if (get === undefined || !isOutdated(error)) throw error;
    const later = await call(get, { id });
    if (Object.keys(body).some((field) => !isSame(over[field], later[field]))) throw error;
    return later;
  };
  return inTurn(record, (over) => call(update, { id }, { body, ifMatch: textAt(over, 'etag') }), laterOf);
}

/** Whether a write was refused since the record has changed. */
export function isOutdated(error: unknown): boolean {
  return error instanceof Problem && error.status === 412;
}

function keyOf(record: Json): string {
  return `${textAt(record, 'id')} ${textAt(record, 'etag')}`;
}
