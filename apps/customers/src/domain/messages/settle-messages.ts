import { MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import {
  MailOutcome,
  type SettledMessage,
  type SettleMessagesRequest,
  type SettleMessagesResponse,
} from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { endJobs, leaseEnded, lockJobs } from './mail-jobs.js';
import { changeMessages } from './stored-messages.js';

/** Handles SettleMessages. The first outcome of a claim counts. */
export async function settleMessages(
  transaction: StatementTransaction,
  { items }: SettleMessagesRequest,
): Promise<SettleMessagesResponse> {
  const outcomes = new Map(items.map((item) => [item.messageId, item]));
  const attempts = await lockAttempts(transaction, [...outcomes.keys()]);
  const changed = await changeMessages(transaction, [...attempts.keys()], (message) => {
    const item = outcomes.get(message.id);
    return item?.attempt === attempts.get(message.id) ? outcomeOf(message, item!) : undefined;
  });
  const queued = changed.filter(({ state }) => state === MessageState.QUEUED);
  const ended = changed.filter(({ state }) => state !== MessageState.QUEUED);
  transaction.later(releaseJobs(queued, outcomes), endJobs(ended));
  const settled = new Set(changed.map(({ id }) => id));
  return { ignoredIds: [...outcomes.keys()].filter((id) => !settled.has(id)) };
}

/** The numbers of the last claims of messages, whose jobs are locked before the messages, as claims do. */
async function lockAttempts(transaction: StatementTransaction, ids: readonly string[]): Promise<Map<string, number>> {
  const [, rows] = await transaction.run(lockJobs(ids), {
    name: 'attempts_of_messages',
    sql: 'select message_id as id, attempt from mail_envelope where tenant_id = $1 and message_id = any ($2::uuid[])',
    values: [currentCaller().tenantId, ids],
  });
  return new Map((rows as { id: string; attempt: number }[]).map(({ id, attempt }) => [id, attempt]));
}

/** Lets workers find messages again, once they are due. */
function releaseJobs(queued: readonly Message[], outcomes: ReadonlyMap<string, SettledMessage>) {
  const ids = queued.map(({ id }) => id);
  return {
    name: 'release_mail_jobs',
    sql: `update mail_job set lease_end_time = null,
        due_time = case when seconds > 0 then rapport_clock() + seconds * interval '1 second' end
      from unnest($2::uuid[], $3::int[]) as given (id, seconds)
      where tenant_id = $1 and message_id = given.id`,
    values: [currentCaller().tenantId, ids, ids.map((id) => outcomes.get(id)?.deferSeconds ?? 0)],
  };
}

function outcomeOf({ state, stateReason }: Message, item: SettledMessage): Partial<Message> | undefined {
  const isLate = state === MessageState.UNKNOWN && stateReason === leaseEnded;
  if (state !== MessageState.CLAIMED && !isLate) return undefined;
  const { response, time = new Date().toISOString() } = item;
  switch (item.outcome) {
    case MailOutcome.HANDED_OVER:
      return { state: MessageState.HANDED_OVER, stateReason: response, sendTime: time };
    case MailOutcome.FAILED:
      return { state: MessageState.FAILED, stateReason: response };
    case MailOutcome.UNKNOWN:
      return { state: MessageState.UNKNOWN, stateReason: response };
    case MailOutcome.DEFERRED:
      // What was UNKNOWN is not queued again, even if it was certainly not sent.
      return { state: isLate ? MessageState.FAILED : MessageState.QUEUED, stateReason: response };
    default:
      return undefined;
  }
}
