import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { FieldViolation } from '@rapport/platform';
import type { CustomFields } from '../fields/custom-fields.js';
import type { RowDefaults } from './rows/row-defaults.js';
import type { RowIssue } from './rows/row-issue.js';

/**
 * What an import has to know of the type of its records. Abstract, so that Nest can inject it: a type exports an object. Its
 * methods are declared as such, so that those of a type may take the targets of its own fields only.
 */
export abstract class ImportRules {
  /** The fields that columns can go to, by their names in `map`. */
  abstract readonly fields: ReadonlyMap<string, ImportField>;

  /** Names of columns that our own files have for what the server sets. */
  abstract readonly serverFields: ReadonlySet<string>;

  /** What the values of columns look like whose names say nothing, the surest field first. */
  abstract readonly looks: readonly ValueLook[];

  /**
   * Where a column goes whose name is none of a field's, but is made of words that have a meaning, such as `homephone2`.
   *
   * @param name in lower case without spaces and punctuation
   * @param others the names of all columns of the file
   */
  abstract guess(name: string, others: ReadonlySet<string>): ImportTarget | undefined;

  /** What the cells of a row say, as typed: neither checked nor normalised. Their targets are of `fields` or `guess`. */
  abstract readRow(
    cells: Iterable<[target: ImportTarget, value: unknown]>,
    defaults: RowDefaults,
    customFields: CustomFields,
  ): MappedRow;

  /** Brings what a row says, whose values the contract allows, into the form in which it is stored. */
  abstract normalise(customer: Customer, customFields: CustomFields, country: string | undefined): NormalisedRow;

  /** What a stored record becomes by a normalised row. Merging the same row again changes nothing. */
  abstract merge(before: Customer, row: Customer, options: MergeOptions): RowMerge;
}

/** A field that columns can go to. */
export interface ImportField {
  /** Names of columns for it, in lower case without spaces and punctuation, the best one first: only that one is taken. */
  columns?: readonly string[];
  /** What `map` may call it as well, as JSON has it. */
  plural?: string;
  /** Whether `map` may say after a dot what its values are for. */
  isLabelled?: boolean;
  /** Whether several columns may go to it. */
  takesMany?: boolean;
}

/** Where the values of a column go. */
export interface ImportTarget {
  field: string;
  /** What a phone number, e-mail address or postal address is for; of an external id the system, of a custom field the key. */
  label: string | undefined;
}

/** A field, and whether a text looks like one of its values. */
export type ValueLook = [field: string, isLike: (text: string) => boolean];

/** What a row says of a record, as typed. */
export interface MappedRow {
  customer: Customer;
  issues: RowIssue[];
}

/** What came of a row that was normalised. */
interface NormalisedRow {
  /** Ready to store when there are no violations. */
  customer: Customer;
  /** What is wrong with it, by paths within the customer. */
  violations: FieldViolation[];
  /** What is to be known of values that were kept. */
  issues: RowIssue[];
}

/** How a row is merged into a record. */
export interface MergeOptions {
  /** Values of the row only fill what is missing. Otherwise they replace. */
  fillOnly: boolean;
  /** The row's lists take the place of those that are there. Otherwise they are united. */
  replacesLists: boolean;
  /** The display name stays whatever the row says. */
  keepName: boolean;
  /** The row's display name is its own, not composed of its other values. */
  givesDisplayName: boolean;
}

/** What came of a row that was merged into a record. */
export interface RowMerge {
  customer: Customer;
  /** Whether it differs from the customer before. */
  changed: boolean;
  /** Lists that have no room for all that the row adds to them. */
  full: string[];
  /** Values of the row that the customer can't have after those that it has, and why. */
  refused: { violation: FieldViolation; value: unknown }[];
}
