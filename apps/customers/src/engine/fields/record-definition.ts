import type { Statement, StatementTransaction, TransactionStatement } from '@rapport/persistence';
import type { AppError, FieldViolation } from '@rapport/platform';
import type { CustomFields, CustomValues } from './custom-fields.js';

/** What the message of each type of records has. */
export interface RecordMessage {
  id: string;
  etag: string;
  createTime?: string | undefined;
  updateTime?: string | undefined;
  deleteTime?: string | undefined;
  createdBy: string;
  updatedBy: string;
  ownerId?: string | undefined;
  ownerTeamId?: string | undefined;
  customFields?: CustomValues | undefined;
  /** The record that a deleted one was merged into. */
  mergedIntoId?: string | undefined;
}

/** A record before and after a write. */
export interface RecordChange<Message> {
  /** Absent when it is created. */
  before: Message | undefined;
  after: Message;
  /** The targets of references that the type needs, by JSON name: of `after`. Absent for a reference without a live target. */
  needs: Readonly<Record<string, RecordMessage>>;
}

/** A record that is brought into the form in which it is stored, and what is wrong with it: paths start within the record. */
export interface Normalised<Message> {
  record: Message;
  violations: FieldViolation[];
}

/** The lists of a record whose items have an identity: two of the same are one. */
export interface ListRules<Message> {
  /** JSON names. */
  fields: readonly string[];
  /** The lists of `stored` with what `given` adds to them. A list that nothing is added to is the same list. */
  unite(stored: Message, given: Message): Partial<Message>;
}

/** The rules of a type that its contract can not state. What is left out has a default made of the contract. */
export interface RecordDefinition<Message extends RecordMessage> {
  /** Raised with every change of what derived columns are made of: `migrate` makes those anew that an earlier release has made. */
  indexVersion: number;
  /** Columns with the folded texts of ordered fields, by column; `sort_<column>` for those without an entry. */
  sortColumns?: Readonly<Record<string, string>>;
  /** Columns that always have a value, though callers need not give one. */
  alwaysSet?: readonly string[];
  /** Pure: applying it to its own result changes nothing. By default blank texts are absent and lists have each item once. */
  normalise?(sent: Message, customFields: CustomFields, before?: Message): Normalised<Message>;
  /** By default all lists of texts, and external ids. */
  lists?: ListRules<Message>;
  /** Fields of a stored record that were composed and not given: they follow what they are composed of. */
  composedFields?(before: Message): readonly string[];
  /** JSON names of references whose targets `guard`, `stamp` and `also` need. */
  needs?: readonly string[];
  /** What is wrong with a change that is normalised. Pure. */
  guard?(change: RecordChange<Message>): FieldViolation[];
  /** Fields that the server sets when a change is stored. Pure. @param now in ISO 8601 */
  stamp?(change: RecordChange<Message>, now: string | undefined): Partial<Message>;
  /** What changes of records, as they are stored, do to others, in the same transaction. */
  also?(changes: readonly RecordChange<Message>[]): TransactionStatement[];
  /** By JSON name of a reference: what its target must be besides live. */
  targets?: Readonly<Record<string, TargetRule>>;
  /** Of a type whose records have a parent: which keys of parents there are. */
  parent?: ParentRule;
  /** What the search for text looks in, not yet folded. By default the fields that the contract says. */
  searchTexts?(record: Message): string[];
  /** The same of a record whose personal data is sealed. */
  openTexts?(record: Message): string[];
  /**
   * The second line by which a search shows a record. By default the text that was found, or else another text that the search looks in,
   * unless the title has it.
   */
  detail?(record: Message): string | undefined;
  /** Words whose slips of the keyboard are found. */
  slipWords?(record: Message): string[];
  /** Terms besides those of its fields. */
  moreTerms?(record: Message): string[];
  /** What the deletion of records does to others. */
  deleted?(records: readonly Message[]): TransactionStatement[];
  /** Refuses that a deleted record comes back. @throws AppError */
  checkUndelete?(transaction: StatementTransaction, record: Message): Promise<void>;
  /** What it means that another record has a unique value of a deleted one that is to come back. */
  explainTaken?(error: AppError, record: Message): AppError;
  /** Why an upsert may not change the record that it has met. */
  metViolations?(met: Message, wanted: Message): FieldViolation[];
}

/** How the parents of a type are looked up. */
export interface ParentRule {
  /** A statement that answers a row when there is a live parent with the key. */
  find(key: string): Statement;
  /** A statement that answers the `key` of each live parent. */
  list(): Statement;
  /** NOT_FOUND for a key without a live parent. */
  missing(key: string): AppError;
}

/** What the target of a reference must be. */
export interface TargetRule {
  reason: string;
  description: string;
  /** Column of the target, and the value that it must have. */
  column: string;
  value: string;
}
