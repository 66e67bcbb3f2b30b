import { camelCase, snakeCase } from '@rapport/contracts';
import { ImportColumn_Reason as Reason } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { CustomFields } from '../../fields/custom-fields.js';
import type { ImportRules, ImportTarget } from '../import-rules.js';
import { formatTarget, parseTarget, takesMany } from './import-target.js';
import { simpleName } from './simple-name.js';

/** The target of a column, and the field that its name resembles. */
interface GuessedTarget extends ImportTarget {
  reason: Reason;
}

/**
 * Guesses the targets of a file's columns from their names: standard fields first, then custom fields by key and name.
 * Other columns are ignored.
 *
 * Ids of another system are used only when the caller names that system: two files that count from 1 would otherwise
 * overwrite each other's records. Without a named system, a column `id` has the records' own ids, as in an exported
 * file.
 */
export function guessColumns(
  rules: ImportRules,
  columns: string[],
  options: { takeIds: boolean; customFields: CustomFields },
): Map<string, GuessedTarget> {
  const guess = new ColumnGuess(rules, columns);
  guess.takeFullTargets(options.customFields);
  guess.takeExact(options.takeIds);
  guess.takeNamed(options.takeIds);
  guess.takeGuessed();
  for (const [name, key] of namesOfOwn(options.customFields)) {
    guess.take(name, { field: 'custom_fields', label: key }, Reason.CUSTOM_FIELD);
  }
  return guess.targets;
}

/** The columns of a file assigned so far. A column goes to the first field that accepts it. */
class ColumnGuess {
  readonly targets = new Map<string, GuessedTarget>();
  readonly #byName = new Map<string, string>();
  readonly #taken = new Set<string>();

  constructor(
    private readonly rules: ImportRules,
    private readonly columns: string[],
  ) {
    for (const column of columns) {
      const name = simpleName(column);
      if (!rules.serverFields.has(column) && !this.#byName.has(name)) this.#byName.set(name, column);
    }
  }

  take(name: string | undefined, target: ImportTarget, reason = Reason.KNOWN_NAME): void {
    const column = name === undefined ? undefined : this.#byName.get(name);
    if (column !== undefined)
      this.#takeColumn(column, target, snakeCase(column) === target.field ? Reason.FIELD_NAME : reason);
  }

  /** A name with a dot is a target as in `map`. Two such names may differ only in punctuation. */
  takeFullTargets(customFields: CustomFields): void {
    for (const column of this.columns) {
      const target = column.includes('.') ? parseTarget(this.rules, column, customFields) : undefined;
      if (target) this.#takeColumn(column, target, Reason.FIELD_NAME);
    }
  }

  /** A column with the very name of a field is that of the field, whatever else its words may mean. */
  takeExact(takeIds: boolean): void {
    for (const column of this.columns) {
      const field = snakeCase(column);
      const isExact = column === field || column === camelCase(field);
      const isGuessed = this.rules.fields.get(field)?.columns && (field !== 'external_id' || takeIds);
      if (isExact && isGuessed) this.#takeColumn(column, { field, label: undefined }, Reason.FIELD_NAME);
    }
  }

  takeNamed(takeIds: boolean): void {
    if (!takeIds && this.#byName.get('id') === 'id') this.take('id', { field: 'id', label: undefined });
    for (const [field, { columns }] of this.rules.fields) {
      if (field === 'external_id' && !takeIds) continue;
      this.take(
        columns?.find((name) => this.#byName.has(name)),
        { field, label: undefined },
      );
    }
  }

  takeGuessed(): void {
    const names = new Set(this.#byName.keys());
    for (const name of names) {
      const target = this.rules.guess(name, names);
      if (target) this.take(name, target);
    }
  }

  #takeColumn(column: string, target: ImportTarget, reason: Reason): void {
    const text = formatTarget(this.rules, target);
    if (this.targets.has(column) || (this.#taken.has(text) && !takesMany(this.rules, target))) return;
    this.#taken.add(text);
    this.targets.set(column, { ...target, reason });
  }
}

/**
 * Why `guessColumns` ignored a column, and the field that its name resembles.
 *
 * @param takeIds as in `guessColumns`
 */
export function whyLeftOut(
  rules: ImportRules,
  column: string,
  takeIds: boolean,
): { reason: Reason; field?: string | undefined } {
  if (rules.serverFields.has(column)) return { reason: Reason.SERVER_FIELD };
  const name = simpleName(column);
  const [named] = [...rules.fields].find(([, { columns }]) => columns?.includes(name)) ?? [];
  if (!takeIds && named === 'external_id') return { reason: Reason.SYSTEM_MISSING, field: named };
  if (named !== undefined) return { reason: Reason.FIELD_TAKEN };
  const guessed = rules.guess(name, new Set());
  return guessed ? { reason: Reason.FIELD_TAKEN, field: guessed.field } : { reason: Reason.UNKNOWN_NAME };
}

/** Column names of custom fields, and their keys. */
function namesOfOwn({ live }: CustomFields): [name: string, key: string][] {
  return live.flatMap(({ key, displayName }) =>
    [key, displayName ?? '', `customfields${key}`].map((name): [string, string] => [simpleName(name), key]),
  );
}
