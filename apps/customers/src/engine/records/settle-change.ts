import type { EntityManager } from '@mikro-orm/postgresql';
import type { StatementTransaction, TransactionStatement } from '@rapport/persistence';
import type { RecordChange, RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';

/** A record to store, and what to write after it. */
export interface SettledRecord<Message> {
  record: Message;
  statements: TransactionStatement[];
}

/** Sets the fields of a changed record that follow from other rows, which `settle` of its type reads. */
export async function settleChange<Message extends RecordMessage>(
  source: EntityManager | StatementTransaction,
  { definition }: RecordType<Message>,
  change: RecordChange<Message>,
): Promise<SettledRecord<Message>> {
  const { after } = change;
  if (!definition.settle) return { record: after, statements: [] };
  const { fields, statements } = await definition.settle(source, change);
  return { record: { ...after, ...fields }, statements: [...statements] };
}
