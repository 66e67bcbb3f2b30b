import type { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import type { FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { typeOfParent } from '../records/parents.js';
import type { UniqueValue } from '../records/unique-values.js';
import type { RowDefaults } from './rows/row-defaults.js';
import type { RowIssue } from './rows/row-issue.js';

/**
 * The import rules of a record type: `importRulesOf` derives them from its contract. The methods use method syntax, so
 * that a type's rules may accept only its own targets (bivariance).
 */
export interface ImportRules<Message extends RecordMessage = RecordMessage> {
  readonly type: RecordType<Message>;

  /** Importable fields, by their names in `map`. */
  readonly fields: ReadonlyMap<string, ImportField>;

  /** The rules for a file of customers of one kind, in which columns may mean something else. */
  ofKind?(kind: CustomerKind): ImportRules<Message>;

  /** Column names of our own files for output-only fields. */
  readonly serverFields: ReadonlySet<string>;

  /** Value patterns for columns with unknown names, the most reliable field first. */
  readonly looks: readonly ValueLook[];

  /**
   * How to match a row without unique values with a record without them. Undefined when such a row always creates a
   * record.
   */
  readonly names?: NameRules<Message>;

  /**
   * The target of a column whose name is not a field's, but consists of known words, such as `homephone2`.
   *
   * @param name in lower case without spaces and punctuation
   * @param others the names of all columns of the file
   */
  guess(name: string, others: ReadonlySet<string>): ImportTarget | undefined;

  /** The raw values of a row, neither validated nor normalized. Their targets come from `fields` or `guess`. */
  readRow(
    cells: Iterable<[target: ImportTarget, value: unknown]>,
    defaults: RowDefaults,
    customFields: CustomFields,
  ): MappedRow<Message>;

  /** Normalizes a row, whose values satisfy the contract, for storage. */
  normalise(record: Message, customFields: CustomFields, country: string | undefined): NormalisedRow<Message>;

  /** The result of merging a normalized row into a stored record. Merging the same row again changes nothing. */
  merge(before: Message, row: Message, options: MergeOptions): RowMerge<Message>;

  /** The name of a record in issues; empty for a record without one. */
  nameOf(record: Message): string;

  /** Refuses a row that lacks a required value and has no record id. */
  missing(violation: FieldViolation): RowIssue;

  /** A row in which values equivalent to those of the record with its id are replaced by the stored ones. */
  asStored?(row: Message, stored: Message): Message;

  /** Why a row can't match a record that has its id or one of its unique values. */
  mismatch?(record: Message, row: Message): RowIssue | undefined;
}

/** The name that identifies records without unique values. */
export interface NameRules<Message extends RecordMessage = RecordMessage> {
  /** Its JSON name and column, and the column with its folded text. */
  field: string;
  column: string;
  sortColumn: string;

  /**
   * Whether a record certainly lacks a value of a row with its name: a cheap test that spares most merges. It need not
   * find all such records.
   */
  lacks(record: Message, row: Message): boolean;
}

/** An importable field. */
export interface ImportField {
  /** Column names for it, in lower case without spaces and punctuation, best first: only the best is used. */
  columns?: readonly string[];
  /** Alternative names in `map`, as in JSON. */
  plural?: string;
  /** Whether `map` may add a label after a dot. */
  isLabelled?: boolean;
  /** For a field with a required label: whether the label is valid. */
  isLabel?: (label: string) => boolean;
  /** Whether several columns may have this target. */
  takesMany?: boolean;
}

/** The target of a column's values. */
export interface ImportTarget {
  field: string;
  /**
   * The label of a phone number, e-mail address or postal address; the system of an external id; the key of a custom
   * field; or the unique value that names another record.
   */
  label: string | undefined;
}

/** A field, and whether a text looks like one of its values. */
export type ValueLook = [field: string, isLike: (text: string) => boolean];

/** The raw values of a row for a record. */
export interface MappedRow<Message = RecordMessage> {
  record: Message;
  issues: RowIssue[];
  /** References by something else than ids. */
  named?: readonly NamedReference[];
}

/** A reference by a unique value or the name of its target. */
export type NamedReference = {
  /** JSON name of the reference. */
  field: string;
  isRequired?: boolean;
  /** Whether the reference is one of a list of records of several types. */
  isListed?: boolean;
  /** The text in the row. */
  text: string;
} & (
  | { by: 'KEY'; target: RecordType; value: UniqueValue | undefined } // Undefined when the text can't be a key.
  | { by: 'NAME'; target: RecordType }
  | { by: 'USER' }
);

/** The result of normalizing a row. */
interface NormalisedRow<Message> {
  /** Ready to store when there are no violations. */
  record: Message;
  /** Violations, by paths within the record. */
  violations: FieldViolation[];
  /** Notes about values that were stored unchanged. */
  issues: RowIssue[];
  /** Whether the row set the name, instead of deriving it from its other values. */
  givesName: boolean;
}

/** How a row is merged into a record. */
export interface MergeOptions {
  /** Values of the row only fill missing ones. Otherwise they replace. */
  fillOnly: boolean;
  /** The row's lists replace the stored ones. Otherwise they are united. */
  replacesLists: boolean;
  /** A name that may be derived stays, whatever the row contains. */
  keepName: boolean;
  /** The row set the name, instead of deriving it from its other values. */
  givesName: boolean;
}

/** The result of merging a row into a record. */
export interface RowMerge<Message = RecordMessage> {
  record: Message;
  /** Whether it differs from the record before. */
  changed: boolean;
  /** Lists without room for all of the row's items. */
  full: string[];
  /** Values of the row that conflict with those of the record, and why. */
  refused: { violation: FieldViolation; value: unknown }[];
}

/** The importable record types, customers first. A class, so that Nest can inject it. */
export class ImportTypes {
  /** @param make the rules of the records of one parent */
  constructor(
    private readonly all: readonly [ImportRules, ...ImportRules[]],
    private readonly make: (type: RecordType) => ImportRules,
  ) {}

  /**
   * @param name of the type, such as `deal` or `objects.subscription`; the first type when absent. Undefined for an
   *   unknown type
   */
  find(name: string | undefined): ImportRules | undefined {
    if (name === undefined) return this.all[0];
    return this.all.find(({ type }) => type.singular === name) ?? this.#ofParent(name);
  }

  #ofParent(name: string): ImportRules | undefined {
    const type = typeOfParent(
      name,
      this.all.map((rules) => rules.type),
    );
    return type && this.make(type);
  }

  /** @throws Error for a type that this process can't import */
  of(name: string | undefined): ImportRules {
    const found = this.find(name);
    if (!found) throw new Error(`There are no import rules for ${name}.`);
    return found;
  }
}
