import { MessageState, type Message } from '@rapport/contracts/rapport/content/v1/message';
import { formatEtag, type StatementTransaction } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { notFound, nextChange } from '../../engine/records/record-changes.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { insertRecords, liveRecords, lockRecords, updateRecords } from '../../engine/records/record-statements.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { messages } from './messages.js';

const noFields = new CustomFields([]);

/** Inserts new messages. A customer that they refer to is locked by the caller. @returns them, complete */
export async function insertMessages(
  transaction: StatementTransaction,
  contents: readonly (Partial<Message> & { id?: string })[],
): Promise<Message[]> {
  if (contents.length === 0) return [];
  const { principalId } = currentCaller();
  const now = new Date().toISOString();
  const made = contents.map((content) => ({
    ...messages.empty(),
    ...content,
    id: content.id ?? uuidv7(),
    ...{ etag: formatEtag(1), createTime: now, updateTime: now, createdBy: principalId, updatedBy: principalId },
  }));
  await currentSeal()?.prepare(made.map((message) => messages.subjectOf(message)));
  transaction.later(insertRecords(messages, made, noFields));
  return made;
}

/**
 * Locks messages and changes them.
 *
 * @param change returns undefined for a message that stays as it is
 * @returns those that were changed
 */
export async function changeMessages(
  transaction: StatementTransaction,
  ids: readonly string[],
  change: (before: Message) => Partial<Message> | undefined,
): Promise<Message[]> {
  if (ids.length === 0) return [];
  const changed = (await lockMessages(transaction, ids)).flatMap((before) => {
    const changes = change(before);
    return changes ? [{ ...before, ...changes, ...nextChange(before) }] : [];
  });
  if (changed.length === 0) return [];
  await currentSeal()?.prepare(changed.map((message) => messages.subjectOf(message)));
  transaction.later(updateRecords(messages, changed, noFields));
  return changed;
}

/** Locks messages in the order of their ids. */
export async function lockMessages(transaction: StatementTransaction, ids: readonly string[]): Promise<Message[]> {
  const rows = await transaction.rows<StoredRecord<Message>>(lockRecords(messages, ids));
  return (await openStored(messages, rows)).filter(({ deleteTime }) => deleteTime === undefined);
}

/** Locks a message that the caller sees. @throws AppError NOT_FOUND */
export async function lockMessage(transaction: StatementTransaction, id: string): Promise<Message> {
  const [message] = await lockMessages(transaction, [id]);
  if (!message) throw notFound(messages);
  return message;
}

/** Reads messages that the caller sees. */
export async function readMessages(transaction: StatementTransaction, ids: readonly string[]): Promise<Message[]> {
  if (ids.length === 0) return [];
  return openStored(messages, await transaction.rows<StoredRecord<Message>>(liveRecords(messages, ids)));
}

/** @throws AppError FAILED_PRECONDITION MESSAGE_STATE unless the message is in one of the states */
export function checkState({ state }: Message, allowed: readonly MessageState[]): void {
  if (allowed.includes(state)) return;
  const name = MessageState[state];
  throw new AppError('FAILED_PRECONDITION', 'MESSAGE_STATE', `The message is ${name}, which does not allow this.`, {
    metadata: { state: name },
  });
}
