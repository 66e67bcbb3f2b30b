import {
  ImportColumn_Reason as Reason,
  type ImportColumn,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import { isStorableText } from '@rapport/contracts';
import { invalidArgument, type ViolationCode } from '@rapport/platform';
import type { CustomFields } from '../../fields/custom-fields.js';
import { fileError } from '../files/file-error.js';
import { maxColumns, type FileRow } from '../files/file-row.js';
import type { ImportRules, ImportTarget } from '../import-rules.js';
import { guessColumns, whyLeftOut } from './guess-columns.js';
import { formatTarget, parseTarget, takesMany } from './import-target.js';
import { ColumnSample } from './suggest-field.js';

/** Longest name of an imported or reported column, in UTF-16 units. */
const maxNameLength = 300;

/** The use of a column. */
interface Placed {
  /** Undefined for an ignored column. */
  target: ImportTarget | undefined;
  reason: Reason;
  /** The field that its name resembles. */
  suggested?: string | undefined;
  /** Set for a column with an unknown name. */
  sample?: ColumnSample;
}

/** The columns of one file and their targets. JSON names its columns per row. */
export class Columns {
  readonly #placed = new Map<string, Placed>();
  readonly #wanted: ReadonlyMap<string, ImportTarget> | undefined;
  readonly #taken = new Set<string>();
  /** Names that a header has again, of columns for single-value fields: the first one counts. */
  readonly #repeated = new Set<string>();

  /**
   * @param rules of the record type of the file
   * @param map as in the request; when empty the columns are guessed
   * @param takeIds whether a guess may use a column of ids
   * @param customFields the tenant's custom fields, which are possible targets
   * @throws AppError INVALID_ARGUMENT field `map`
   */
  constructor(
    readonly rules: ImportRules,
    map: string[],
    readonly takeIds: boolean,
    readonly customFields: CustomFields,
  ) {
    this.#wanted = map.length > 0 ? readMap(rules, map, customFields) : undefined;
  }

  /** @throws AppError INVALID_ARGUMENT when a CSV file has no column with a known name */
  placeHeader(names: string[]): void {
    this.place(names);
    if (this.#taken.size > 0 || this.#wanted) return;
    const description = 'is required: the file has no column with a known name.';
    throw invalidArgument([{ field: 'map', reason: 'COLUMNS_UNKNOWN', description }]);
  }

  /** @throws AppError INVALID_ARGUMENT when the file has too many columns, or one with an invalid or too long name */
  place(names: string[]): void {
    const added = names.filter((name) => !this.#placed.has(name));
    if (added.length === 0) return;
    for (const name of added) checkName(name);
    const guesses = this.#wanted ? undefined : guessColumns(this.rules, added, this);
    for (const name of added) {
      const first = this.#placed.get(name);
      if (first) {
        if (first.target && !takesMany(this.rules, first.target)) this.#repeated.add(name);
        continue;
      }
      const guess = guesses?.get(name);
      const target = this.#claim(this.#wanted?.get(name) ?? guess);
      this.#placed.set(name, target ? { target, reason: guess?.reason ?? Reason.MAP } : this.#leftOut(name));
    }
    if (this.#placed.size > maxColumns) {
      throw fileError('TOO_MANY_COLUMNS', `must not have more than ${maxColumns} columns.`);
    }
  }

  /** The cells of a row that have a target. */
  *targeted(row: FileRow): Generator<[target: ImportTarget, value: unknown]> {
    this.place(row.cells.map(([column]) => column));
    const read = new Set<string>();
    for (const [column, value] of row.cells) {
      if (this.#repeated.has(column) && read.has(column)) continue;
      read.add(column);
      const { target, sample } = this.#placed.get(column) ?? {};
      if (target) yield [target, value];
      else sample?.add(value);
    }
  }

  /** @throws AppError INVALID_ARGUMENT when `map` names a column that the file, read to its end, lacks */
  report(): ImportColumn[] {
    const missing = [...(this.#wanted?.keys() ?? [])].filter((name) => !this.#placed.has(name));
    if (missing.length > 0 && this.#placed.size > 0) {
      throw invalidArgument(
        missing.map((name) => ({
          field: 'map',
          reason: 'COLUMN_MISSING',
          description: `names the column ${name}, which the file lacks.`,
        })),
      );
    }
    const placed = [...this.#placed].map(([column, { target, reason, suggested, sample }]) => ({
      column,
      field: target && formatTarget(this.rules, target),
      reason,
      suggestedField: this.#suggestion(suggested ?? sample?.field),
    }));
    const repeated = [...this.#repeated].map((column) => ({
      column,
      field: undefined,
      reason: Reason.FIELD_TAKEN,
      suggestedField: undefined,
    }));
    return [...placed, ...repeated];
  }

  #suggestion(field: string | undefined): string | undefined {
    return field === undefined ? undefined : formatTarget(this.rules, { field, label: undefined });
  }

  #leftOut(name: string): Placed {
    const { reason, field } = whyLeftOut(this.rules, name, this.takeIds);
    const sample = reason === Reason.UNKNOWN_NAME ? { sample: new ColumnSample(this.rules.looks) } : {};
    return { target: undefined, reason: this.#wanted ? Reason.MAP : reason, suggested: field, ...sample };
  }

  /** Of two columns for a single-value field, the later one is ignored. */
  #claim(target: ImportTarget | undefined): ImportTarget | undefined {
    if (!target) return undefined;
    const name = formatTarget(this.rules, target);
    if (this.#taken.has(name) && !takesMany(this.rules, target)) return undefined;
    this.#taken.add(name);
    return target;
  }
}

function checkName(name: string): void {
  if (name.length > maxNameLength) {
    throw fileError('COLUMN_NAME_TOO_LONG', `has a column whose name is longer than ${maxNameLength} characters.`);
  }
  if (!isStorableText(name)) {
    throw fileError('COLUMN_NAME_INVALID', 'has a column whose name has a NUL or a broken character in it.');
  }
}

function readMap(rules: ImportRules, map: string[], customFields: CustomFields): Map<string, ImportTarget> {
  const targets = new Map<string, ImportTarget>();
  const fields = new Set<string>();
  for (const [index, entry] of map.entries()) {
    const at = entry.indexOf('=');
    const column = entry.slice(0, at).trim();
    const target = parseTarget(rules, entry.slice(at + 1), customFields);
    const refuse = (reason: ViolationCode, description: string) =>
      invalidArgument([{ field: `map[${index}]`, reason, description }]);
    if (!target) throw refuse('UNKNOWN_FIELD', `names ${entry.slice(at + 1)}, which is not an importable field.`);
    if (targets.has(column)) throw refuse('DUPLICATE', `names the column ${column} a second time.`);
    const field = formatTarget(rules, target);
    if (fields.has(field) && !takesMany(rules, target)) {
      throw refuse('DUPLICATE', `names the field ${field} a second time.`);
    }
    targets.set(column, target);
    fields.add(field);
  }
  return targets;
}
