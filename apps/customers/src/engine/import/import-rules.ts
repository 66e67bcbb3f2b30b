import type { FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { typeOfParent } from '../records/parents.js';
import type { UniqueValue } from '../records/unique-values.js';
import type { RowDefaults } from './rows/row-defaults.js';
import type { RowIssue } from './rows/row-issue.js';

/**
 * How records of a type are imported: `importRulesOf` makes the rules that follow from its contract. The methods are declared as
 * such, so that those of a type may take the targets of its own fields only.
 */
export interface ImportRules<Message extends RecordMessage = RecordMessage> {
  readonly type: RecordType<Message>;

  /** The fields that columns can go to, by their names in `map`. */
  readonly fields: ReadonlyMap<string, ImportField>;

  /** Names of columns that our own files have for what the server sets. */
  readonly serverFields: ReadonlySet<string>;

  /** What the values of columns look like whose names say nothing, the surest field first. */
  readonly looks: readonly ValueLook[];

  /** How a row without any unique value is matched with a record without one. Undefined when such a row is always a new record. */
  readonly names?: NameRules;

  /**
   * Where a column goes whose name is none of a field's, but is made of words that have a meaning, such as `homephone2`.
   *
   * @param name in lower case without spaces and punctuation
   * @param others the names of all columns of the file
   */
  guess(name: string, others: ReadonlySet<string>): ImportTarget | undefined;

  /** What the cells of a row say, as typed: neither checked nor normalised. Their targets are of `fields` or `guess`. */
  readRow(
    cells: Iterable<[target: ImportTarget, value: unknown]>,
    defaults: RowDefaults,
    customFields: CustomFields,
  ): MappedRow<Message>;

  /** Brings what a row says, whose values the contract allows, into the form in which it is stored. */
  normalise(record: Message, customFields: CustomFields, country: string | undefined): NormalisedRow<Message>;

  /** What a stored record becomes by a normalised row. Merging the same row again changes nothing. */
  merge(before: Message, row: Message, options: MergeOptions): RowMerge<Message>;

  /** What issues call a record by; empty for one that has no name. */
  nameOf(record: Message): string;

  /** Refuses a row that lacks a required value and names no record by its id. */
  missing(violation: FieldViolation): RowIssue;

  /** A row with what the record of its id has in the place of values that mean the same. */
  asStored?(row: Message, stored: Message): Message;

  /** Why a row can not be about a record that has its id or one of its unique values. */
  mismatch?(record: Message, row: Message): RowIssue | undefined;
}

/** The name by which records without unique values are found again. */
export interface NameRules {
  /** Its JSON name and column, and the column with its folded text. */
  field: string;
  column: string;
  sortColumn: string;
}

/** A field that columns can go to. */
export interface ImportField {
  /** Names of columns for it, in lower case without spaces and punctuation, the best one first: only that one is taken. */
  columns?: readonly string[];
  /** What `map` may call it as well, as JSON has it. */
  plural?: string;
  /** Whether `map` may say after a dot what its values are for. */
  isLabelled?: boolean;
  /** Of a field that must be labelled: whether it may be with this label. */
  isLabel?: (label: string) => boolean;
  /** Whether several columns may go to it. */
  takesMany?: boolean;
}

/** Where the values of a column go. */
export interface ImportTarget {
  field: string;
  /**
   * What a phone number, e-mail address or postal address is for; of an external id the system, of a custom field the key, and of
   * another record the unique value that it is named by.
   */
  label: string | undefined;
}

/** A field, and whether a text looks like one of its values. */
export type ValueLook = [field: string, isLike: (text: string) => boolean];

/** What a row says of a record, as typed. */
export interface MappedRow<Message = RecordMessage> {
  record: Message;
  issues: RowIssue[];
  /** References that the row gives by unique values of their targets. */
  named?: readonly NamedReference[];
}

/** A reference by a unique value of its target. */
export interface NamedReference {
  /** JSON name of the reference. */
  field: string;
  isRequired: boolean;
  target: RecordType;
  /** Of the target. Undefined when the text can be none. */
  value: UniqueValue | undefined;
  /** As the row has it. */
  text: string;
}

/** What came of a row that was normalised. */
interface NormalisedRow<Message> {
  /** Ready to store when there are no violations. */
  record: Message;
  /** What is wrong with it, by paths within the record. */
  violations: FieldViolation[];
  /** What is to be known of values that were kept. */
  issues: RowIssue[];
  /** Whether the name is the row's own, not composed of its other values. */
  givesName: boolean;
}

/** How a row is merged into a record. */
export interface MergeOptions {
  /** Values of the row only fill what is missing. Otherwise they replace. */
  fillOnly: boolean;
  /** The row's lists take the place of those that are there. Otherwise they are united. */
  replacesLists: boolean;
  /** A name that may be composed stays whatever the row says. */
  keepName: boolean;
  /** The row's name is its own, not composed of its other values. */
  givesName: boolean;
}

/** What came of a row that was merged into a record. */
export interface RowMerge<Message = RecordMessage> {
  record: Message;
  /** Whether it differs from the record before. */
  changed: boolean;
  /** Lists that have no room for all that the row adds to them. */
  full: string[];
  /** Values of the row that the record can't have after those that it has, and why. */
  refused: { violation: FieldViolation; value: unknown }[];
}

/** The types of records that can be imported, those of customers first. A class, so that Nest can inject it. */
export class ImportTypes {
  /** @param make rules of the records of one parent */
  constructor(
    private readonly all: readonly [ImportRules, ...ImportRules[]],
    private readonly make: (type: RecordType) => ImportRules,
  ) {}

  /** @param name of the type, such as `deal` or `objects.subscription`; the first type when absent. Undefined for one that is unknown */
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

  /** @throws Error for a type that this process can not import */
  of(name: string | undefined): ImportRules {
    const found = this.find(name);
    if (!found) throw new Error(`Nothing is known of importing ${name}.`);
    return found;
  }
}
