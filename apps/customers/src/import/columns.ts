import type { ImportColumn } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { isStorableText } from '@rapport/contracts';
import { invalidArgument } from '@rapport/platform';
import { CustomFields } from '../custom-fields/custom-fields.js';
import { guessColumns } from './guess-columns.js';
import { formatTarget, parseTarget, takesMany, type ImportTarget } from './import-target.js';
import { fileError } from './file-error.js';
import { maxColumns, type FileRow } from './file-row.js';

/** Longest name of a column that is taken or named in the answer, in UTF-16 units. */
const maxNameLength = 300;

/** The columns of one file and where the values of each go. JSON names its columns row by row. */
export class Columns {
  readonly #targets = new Map<string, ImportTarget | undefined>();
  readonly #wanted: ReadonlyMap<string, ImportTarget> | undefined;
  readonly #taken = new Set<string>();

  /**
   * @param map as in the request; when empty the columns are guessed
   * @param takeIds whether a guess may take a column of ids
   * @param customFields the tenant's, which columns may be for
   * @throws AppError INVALID_ARGUMENT field `map`
   */
  constructor(
    map: string[],
    private readonly takeIds: boolean,
    readonly customFields = new CustomFields([]),
  ) {
    this.#wanted = map.length > 0 ? readMap(map, customFields) : undefined;
  }

  /** @throws AppError INVALID_ARGUMENT when none of the names of a CSV file tells what it is */
  placeHeader(names: string[]): void {
    this.place(names);
    if (this.#taken.size > 0 || this.#wanted) return;
    const description = 'is needed: no column has a name that tells what it is.';
    throw invalidArgument([{ field: 'map', reason: 'COLUMNS_UNKNOWN', description }]);
  }

  /** @throws AppError INVALID_ARGUMENT when the file has too many columns, or one whose name can't be told again */
  place(names: string[]): void {
    const added = names.filter((name) => !this.#targets.has(name));
    if (added.length === 0) return;
    for (const name of added) {
      if (name.length > maxNameLength) {
        throw fileError('COLUMN_NAME_TOO_LONG', `has a column whose name is longer than ${maxNameLength} characters.`);
      }
      if (!isStorableText(name)) {
        throw fileError('COLUMN_NAME_INVALID', 'has a column whose name has a NUL or a broken character in it.');
      }
    }
    const targets = this.#wanted ?? guessColumns(added, { takeIds: this.takeIds, customFields: this.customFields });
    for (const name of added) this.#targets.set(name, this.#claim(targets.get(name)));
    if (this.#targets.size > maxColumns) {
      throw fileError('TOO_MANY_COLUMNS', `must not have more than ${maxColumns} columns.`);
    }
  }

  /** The cells of a row that go somewhere. */
  *targeted(row: FileRow): Generator<[target: ImportTarget, value: unknown]> {
    this.place(row.cells.map(([column]) => column));
    for (const [column, value] of row.cells) {
      const target = this.#targets.get(column);
      if (target) yield [target, value];
    }
  }

  /** @throws AppError INVALID_ARGUMENT when `map` names a column that the file, now read to its end, lacks */
  report(): ImportColumn[] {
    const missing = [...(this.#wanted?.keys() ?? [])].filter((name) => !this.#targets.has(name));
    if (missing.length > 0 && this.#targets.size > 0) {
      throw invalidArgument(
        missing.map((name) => ({
          field: 'map',
          reason: 'COLUMN_MISSING',
          description: `names the column ${name}, which the file lacks.`,
        })),
      );
    }
    return [...this.#targets].map(([column, target]) => ({ column, field: target && formatTarget(target) }));
  }

  /** Of two columns for a field that takes one, the later is left out. */
  #claim(target: ImportTarget | undefined): ImportTarget | undefined {
    if (!target) return undefined;
    const name = formatTarget(target);
    if (this.#taken.has(name) && !takesMany(target)) return undefined;
    this.#taken.add(name);
    return target;
  }
}

function readMap(map: string[], customFields: CustomFields): Map<string, ImportTarget> {
  const targets = new Map<string, ImportTarget>();
  const fields = new Set<string>();
  for (const [index, entry] of map.entries()) {
    const at = entry.indexOf('=');
    const column = entry.slice(0, at).trim();
    const target = parseTarget(entry.slice(at + 1), customFields);
    const refuse = (reason: string, description: string) =>
      invalidArgument([{ field: `map[${index}]`, reason, description }]);
    if (!target) throw refuse('FIELD_UNKNOWN', `names ${entry.slice(at + 1)}, which is no field that can be imported.`);
    if (targets.has(column)) throw refuse('COLUMN_REPEATED', `names the column ${column} a second time.`);
    const field = formatTarget(target);
    if (fields.has(field) && !takesMany(target)) {
      throw refuse('FIELD_REPEATED', `names the field ${field} a second time.`);
    }
    targets.set(column, target);
    fields.add(field);
  }
  return targets;
}
