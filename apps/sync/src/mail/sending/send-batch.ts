import {
  MailOutcome,
  type ClaimedMessage,
  type SettledMessage,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { AppError } from '@rapport/platform';
import { RelayError, type SendResult } from '../relays/relay-session.js';
import { composeMail, UnsendableError, type DkimSigner } from './compose-mail.js';
import type { Outbox } from './outbox.js';
import type { RelayPool } from './relay-pool.js';

/** A message that is refused for the moment is tried for so long, in milliseconds. RFC 5321 asks for 4 to 5 days. */
const givesUpMs = 4 * 24 * 60 * 60 * 1_000;

/** Delays before a message that the relay has deferred is tried again, in seconds; the last one for all others. */
const delaysSeconds = [5, 30, 120, 600, 1_800, 3_600];

const maxResponse = 1_000;

export interface BatchParts {
  tenantId: string;
  outbox: Outbox;
  pool: RelayPool;
  signer: DkimSigner | undefined;
  /** No other message is begun once it is aborted. */
  stopping: AbortSignal;
  /** Takes the outcome of each message, as soon as there is one. */
  settle: (item: SettledMessage) => void;
}

/** What became of a batch. */
export interface BatchTally {
  handedOver: number;
  deferred: number;
  /** The error of the relay, if it fell out. */
  fault?: RelayError;
}

/**
 * Hands claimed messages over to a relay, as many at a time as it has connections. Each message has one outcome. Messages
 * that were not begun when the relay falls out, or the process stops, are deferred.
 */
export async function sendBatch(
  messages: readonly ClaimedMessage[],
  parallel: number,
  parts: BatchParts,
): Promise<BatchTally> {
  const tally: BatchTally = { handedOver: 0, deferred: 0 };
  const waiting = [...messages];
  const follow = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const result = await sendOne(next, parts, tally);
      if (result.outcome === 'HANDED_OVER') tally.handedOver += 1;
      if (result.outcome === 'DEFERRED') tally.deferred += 1;
      parts.settle(settled(next, result));
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, messages.length) }, follow));
  return tally;
}

type Result = Pick<SendResult, 'outcome' | 'response'> & {
  /** Whether the message is not the cause that it is DEFERRED. */
  isUntried?: boolean;
};

async function sendOne(claimed: ClaimedMessage, parts: BatchParts, tally: BatchTally): Promise<Result> {
  const { tenantId, outbox, pool, signer, stopping } = parts;
  if (tally.fault) return untried(tally.fault.message);
  if (stopping.aborted) return untried('The process stops.');
  // Customers has given the claim up by then: a person may have queued the message again.
  if (Date.parse(claimed.leaseEndTime ?? '') <= Date.now()) return untried('The claim has ended.');
  const { message, envelopeFrom: from, envelopeTo: to } = claimed;
  if (!message) return { outcome: 'FAILED', response: 'The claim has no message.' };
  try {
    const read = (fileId: string) => outbox.attachment(tenantId, message.id, fileId);
    const content = await composeMail(claimed, read, signer);
    return await pool.send({ from, to }, content);
  } catch (error) {
    const isGone = error instanceof AppError && error.code === 'NOT_FOUND';
    if (error instanceof UnsendableError || isGone) return { outcome: 'FAILED', response: error.message };
    // Nothing was sent: a session sends after all else has succeeded, and has results in place of errors.
    if (error instanceof RelayError) {
      tally.fault = error;
      return untried(error.message);
    }
    return { outcome: 'DEFERRED', response: error instanceof Error ? error.message : 'Unknown error' };
  }
}

function untried(response: string): Result {
  return { outcome: 'DEFERRED', response, isUntried: true };
}

function settled({ message, attempt }: ClaimedMessage, { outcome, response, isUntried }: Result): SettledMessage {
  const isOld = Date.parse(message?.createTime ?? '') < Date.now() - givesUpMs;
  return {
    messageId: message?.id ?? '',
    attempt,
    outcome: MailOutcome[outcome === 'DEFERRED' && isOld ? 'FAILED' : outcome],
    response: response.slice(0, maxResponse),
    deferSeconds: outcome === 'DEFERRED' && !isUntried ? delayAfter(attempt) : undefined,
    time: new Date().toISOString(),
  };
}

/** How long a message waits after a claim, in seconds. */
function delayAfter(attempt: number): number {
  return delaysSeconds[Math.min(attempt, delaysSeconds.length) - 1] ?? 0;
}
