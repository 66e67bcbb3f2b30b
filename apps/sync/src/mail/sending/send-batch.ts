import { AppError } from '@rapport/platform';
import { RelayError, type SendResult, type SentEnvelope } from '../relays/relay-session.js';
import { UnsendableError } from './compose-mail.js';
import type { RelayPool } from './relay-pool.js';

/** Delays before a message that the relay has deferred is tried again, in seconds; the last one for all others. */
const delaysSeconds = [5, 30, 120, 600, 1_800, 3_600];

/** What became of a message. */
export interface BatchResult extends Pick<SendResult, 'outcome' | 'response'> {
  /** How long a DEFERRED message waits. 0 if it is not the cause that it is DEFERRED. */
  deferSeconds?: number;
  /** Whether the relay has seen the message: what keeps one from being composed says nothing of the relay. */
  isOfRelay?: boolean;
}

/** A claimed message. */
export interface ClaimedItem {
  /** Number of the claim. */
  attempt: number;
  leaseEndTime?: string | undefined;
}

/** What a batch does with messages of one kind. */
export interface BatchParts<Item extends ClaimedItem> {
  pool: RelayPool;
  /** No other message is begun once it is aborted. */
  stopping: AbortSignal;
  /** @throws UnsendableError */
  compose: (item: Item) => Promise<{ envelope: SentEnvelope; content: Buffer }>;
  /** Called before a composed message is sent. @returns a result in place of sending it */
  begin?: (item: Item) => Promise<BatchResult | undefined>;
  /** Takes the outcome of each message, as soon as there is one. */
  settle: (item: Item, result: BatchResult) => void;
}

/** What became of a batch. */
export interface BatchTally {
  handedOver: number;
  /** Messages that the relay has deferred. */
  deferred: number;
  /** The error of the relay, if it fell out. */
  fault?: RelayError;
}

/**
 * Hands claimed messages over to a relay, as many at a time as it has connections. Each message has one outcome. Messages
 * that were not begun when the relay falls out, or the process stops, are deferred.
 */
export async function sendBatch<Item extends ClaimedItem>(
  items: readonly Item[],
  parallel: number,
  parts: BatchParts<Item>,
): Promise<BatchTally> {
  const tally: BatchTally = { handedOver: 0, deferred: 0 };
  const waiting = items[Symbol.iterator]();
  const follow = async () => {
    for (const next of waiting) {
      const result = await sendOne(next, parts, tally);
      if (result.outcome === 'HANDED_OVER') tally.handedOver += 1;
      if (result.outcome === 'DEFERRED' && result.isOfRelay) tally.deferred += 1;
      parts.settle(next, result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, follow));
  return tally;
}

async function sendOne<Item extends ClaimedItem>(
  item: Item,
  { pool, stopping, compose, begin }: BatchParts<Item>,
  tally: BatchTally,
): Promise<BatchResult> {
  if (tally.fault) return untried(tally.fault.message);
  if (stopping.aborted) return untried('The process stops.');
  // Customers has given the claim up by then: a person may have queued the message again.
  if (Date.parse(item.leaseEndTime ?? '') <= Date.now()) return untried('The claim has ended.');
  const deferSeconds = delaysSeconds[Math.min(item.attempt, delaysSeconds.length) - 1] ?? 0;
  try {
    const { envelope, content } = await compose(item);
    const refusal = await begin?.(item);
    if (refusal) return refusal;
    const { outcome, response } = await pool.send(envelope, content);
    return { outcome, response, deferSeconds, isOfRelay: true };
  } catch (error) {
    const isGone = error instanceof AppError && error.code === 'NOT_FOUND';
    if (error instanceof UnsendableError || isGone) return { outcome: 'FAILED', response: error.message };
    // Nothing was sent: a session sends after all else has succeeded, and has results in place of errors.
    if (error instanceof RelayError) {
      tally.fault = error;
      return untried(error.message);
    }
    return { outcome: 'DEFERRED', response: error instanceof Error ? error.message : 'Unknown error', deferSeconds };
  }
}

function untried(response: string): BatchResult {
  return { outcome: 'DEFERRED', response, deferSeconds: 0 };
}
