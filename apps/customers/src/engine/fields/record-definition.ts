import type { EntityManager } from '@mikro-orm/postgresql';
import type { Statement, StatementTransaction, TransactionStatement } from '@rapport/persistence';
import type { AppError, FieldViolation, ViolationCode } from '@rapport/platform';
import type { CustomFields, CustomValues } from './custom-fields.js';

/** The common fields of all record types. */
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
  /** Absent for a creation. */
  before: Message | undefined;
  after: Message;
  /** Targets of the references in `needs`, by JSON name, for `after`. Absent for a reference without a live target. */
  needs: Readonly<Record<string, RecordMessage>>;
  /** The same for `before`; empty for a creation. */
  needsBefore: Readonly<Record<string, RecordMessage>>;
  /** What `facts` has read for this write, for all of its records. */
  facts: readonly unknown[];
  /** What the call says about the change itself. */
  remark?: Remark | undefined;
  /** Further writes of the call. */
  beside?: object | undefined;
}

/** What follows from a change and from other rows. */
export interface Settled<Message> {
  /** Fields of the record. */
  fields: Partial<Message>;
  /** Writes, once the record is stored. */
  statements: readonly TransactionStatement[];
}

/** What a call says about a change, beside the record. */
export interface Remark {
  reason?: string | undefined;
  /** Whether the caller has overridden violations of the rules of the type. */
  isOverridden?: boolean | undefined;
}

/** Names of the kinds of notifications of the contract. */
export type NoticeKind =
  | 'ASSIGNED'
  | 'MENTIONED'
  | 'DUE'
  | 'REMINDER'
  | 'OPERATION_FAILED'
  | 'CUSTOMER_MESSAGE'
  | 'STATUS_CHANGED'
  | 'APPROVAL_REQUESTED';

/** Why a user is to be notified. */
export interface Notice {
  kind: NoticeKind;
  /** The recipient: a user, or an API key that owns records. */
  userId: string;
  /** Notifies each recipient once for each kind. */
  cause: string;
  recordType: string;
  recordId: string;
  version?: number | undefined;
  /** Now by default. */
  time?: string | undefined;
}

/** A normalized record, and its violations: paths start within the record. */
export interface Normalised<Message> {
  record: Message;
  violations: FieldViolation[];
}

/** The lists of a record whose items have an identity. */
export interface ListRules<Message> {
  /** JSON names. */
  fields: readonly string[];
  /** The union of the lists of `stored` and `given`. An unchanged list is the same object. */
  unite(stored: Message, given: Message): Partial<Message>;
}

/** The rules of a type that its contract can't express. Each has a default derived from the contract. */
export interface RecordDefinition<Message extends RecordMessage> {
  /**
   * Increment it when the inputs of derived columns change: `migrate` then recomputes the columns of earlier releases.
   */
  indexVersion: number;
  /** Folded texts of ordered fields by column; `sort_<column>` by default. */
  sortColumns?: Readonly<Record<string, string>>;
  /** Columns that always have a value, although callers need not set one. */
  alwaysSet?: readonly string[];
  /**
   * Pure: applying it to its own result changes nothing. By default blank texts are absent and lists have no
   * duplicates.
   */
  normalise?(sent: Message, customFields: CustomFields, before?: Message): Normalised<Message>;
  /** By default all lists of texts, and external ids. */
  lists?: ListRules<Message>;
  /** Derived fields of a stored record that follow their source fields unless a caller sets them. */
  composedFields?(before: Message): readonly string[];
  /** JSON names of references whose targets `guard`, `stamp` and `also` need. */
  needs?: readonly string[];
  /**
   * A statement whose column `fact` has what `guard` needs from other tables, read in the transaction of the write.
   *
   * @param ids of the stored records that are about to change
   */
  facts?(ids: readonly string[]): Statement | undefined;
  /** Violations of a normalized change. Pure, except for the caller and the time. */
  guard?(change: RecordChange<Message>): FieldViolation[];
  /** Sets server-managed fields of a change, also from the id of a new record. Pure. @param now in ISO 8601 */
  stamp?(change: RecordChange<Message>, now: string | undefined): Partial<Message>;
  /** What follows from a change and from other rows: read here, before the record is stored. */
  settle?(source: EntityManager | StatementTransaction, change: RecordChange<Message>): Promise<Settled<Message>>;
  /** Fields that a record of an earlier release lacks. Pure: a stored record always reads the same. */
  lacking?(this: void, stored: Message): Partial<Message> | undefined;
  /** Side effects of stored changes on other records, in the same transaction. */
  also?(changes: readonly RecordChange<Message>[]): TransactionStatement[];
  /** JSON names of texts that mention users by `@[Name](users/ID)`. */
  mentionsIn?: readonly string[];
  /** Notifications of a stored change, besides those of ownership and mentions. */
  notices?(change: RecordChange<Message>): Notice[];
  /** A record of a workspace's archive as the new workspace stores it: without work that only the old one has. Pure. */
  imported?(this: void, record: Message): Message;
  /** Sets what live records of a workspace's archive wait for, such as timers, when they are stored. */
  restored?(records: readonly Message[]): TransactionStatement[];
  /** Conditions on the target of a reference, besides being live, by JSON name. */
  targets?: Readonly<Record<string, TargetRule>>;
  /** Paths of references that may name what does not exist yet, such as `variants.templateId`: their use checks them. */
  checkedLater?: readonly string[];
  /** For a type whose records have a parent: how to find valid parent keys. */
  parent?: ParentRule;
  /** The searchable text before folding. By default the fields marked in the contract. */
  searchTexts?(record: Message): string[];
  /** The searchable text of a record whose personal data is encrypted. */
  openTexts?(record: Message): string[];
  /**
   * The subtitle of a search result. By default the text that matched, or else another searchable text, unless the
   * title contains it.
   */
  detail?(record: Message): string | undefined;
  /** Words that a search finds despite a typing error. */
  typoWords?(record: Message): string[];
  /** Terms besides those of its fields. */
  moreTerms?(record: Message): string[];
  /** Why a request must not update a stored record, whatever it changes; undefined when it may. */
  updateError?(stored: Message): AppError | undefined;
  /** Side effects of a deletion on other records. */
  deleted?(records: readonly Message[]): TransactionStatement[];
  /** Refuses to restore a deleted record. @throws AppError */
  checkUndelete?(transaction: StatementTransaction, record: Message): Promise<void>;
  /** Explains a conflict when another record has a unique value of a deleted one that is to be restored. */
  explainTaken?(error: AppError, record: Message): AppError;
  /** Names of the values of `status` with which a record is open work. By default all live records are. */
  openStatuses?: readonly string[];
  /** Column whose values `openStatuses` names. `status` by default. */
  statusColumn?: string;
  /** JSON name of an integer with `OUTPUT_ONLY`: new records get the next numbers of the tenant in it. */
  numberIn?: string;
  /** A statement with the assignment rules that are tried first: `record_id` and `rule_id`. @param records new ones without owners */
  firstRules?(records: readonly Message[]): Statement;
  /** Why an upsert must not change the record that it matched. */
  metViolations?(met: Message, wanted: Message): FieldViolation[];
}

/** Lookups of a type's parents. */
export interface ParentRule {
  /** A statement that returns a row when there is a live parent with the key. */
  find(key: string): Statement;
  /** A statement that returns the `key` of each live parent. */
  list(): Statement;
  /** NOT_FOUND for a key without a live parent. */
  missing(key: string): AppError;
}

/** A condition on the target of a reference. */
export interface TargetRule {
  reason: ViolationCode;
  description: string;
  /** Column of the target, and its required value. */
  column: string;
  value: string;
}
