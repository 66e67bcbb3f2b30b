import type { RecordMessage } from '../../fields/record-definition.js';
import type { LinkedRecords } from '../../records/references.js';
import { type UniqueValue, uniqueValues } from '../../records/unique-values.js';
import type { ImportRules } from '../import-rules.js';
import { contentText } from './merge-values.js';

/** Most keyless records of one name that a keyless row is compared with. */
export const maxNamesakes = 100;

/** A record that rows of a chunk match or create. */
export interface ImportRecord<Message extends RecordMessage = RecordMessage> {
  id: string;
  /** As stored; undefined for one that is still to be created. */
  stored: Message | undefined;
  /** As it will be stored. */
  record: Message;
  changed: boolean;
  /** Whether a row of this file has matched or created it. */
  met: boolean;
  /** Whether one of those rows set its name. */
  named: boolean;
}

/** The records of a chunk, indexed by what identifies them. */
export class ImportRecords {
  readonly #byId = new Map<string, ImportRecord>();
  readonly #byKey = new Map<string, ImportRecord>();
  /** Those without keys. */
  readonly #byName = new Map<string, Set<ImportRecord>>();
  /** Those without keys that a row created, by its content. */
  readonly #byContent = new Map<string, ImportRecord>();
  readonly #hidden = new Set<string>();
  readonly all = new Set<ImportRecord>();

  /** @param linked targets of the references of the chunk's records and rows */
  constructor(
    private readonly rules: ImportRules,
    readonly linked: LinkedRecords,
  ) {}

  /**
   * Indexes a record by its current keys and name.
   *
   * @param before the record when it was last indexed; it may have lost keys since
   */
  put(entry: ImportRecord, before?: RecordMessage): void {
    const { type } = this.rules;
    if (before && before !== entry.record) {
      for (const value of uniqueValues(type, before)) {
        if (this.#byKey.get(keyText(value)) === entry) this.#byKey.delete(keyText(value));
      }
    }
    this.all.add(entry);
    this.#byId.set(entry.id, entry);
    const keys = uniqueValues(type, entry.record);
    for (const value of keys) this.#byKey.set(keyText(value), entry);
    if (!this.rules.names) return;
    const name = keys.length > 0 ? undefined : this.rules.nameOf(entry.record);
    const former = before && this.rules.nameOf(before);
    if (former !== undefined && former !== name) this.#byName.get(former)?.delete(entry);
    if (name === undefined) return;
    // One that keeps its name keeps its place.
    const namesakes = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, namesakes.add(entry));
  }

  /** Indexes the record that a row without keys created, so that an equal row finds it among any number of namesakes. */
  putCreated(row: RecordMessage, entry: ImportRecord): void {
    this.put(entry);
    if (this.rules.names && uniqueValues(this.rules.type, row).length === 0) this.#byContent.set(contentOf(row), entry);
  }

  byId(id: string): ImportRecord | undefined {
    return this.#byId.get(id);
  }

  owner(value: UniqueValue): ImportRecord | undefined {
    return this.#byKey.get(keyText(value));
  }

  /** Marks a key as that of a record that the caller does not see. */
  hide(value: Pick<UniqueValue, 'type' | 'value'>): void {
    this.#hidden.add(keyText(value));
  }

  isHidden(value: UniqueValue): boolean {
    return this.#hidden.has(keyText(value));
  }

  /**
   * Records without keys that a row without keys may be about: the first ones with its name, and one that an equal row
   * created. Empty for a type whose records are not found by names.
   */
  *namesakes(row: RecordMessage): Generator<ImportRecord, void> {
    const { names } = this.rules;
    if (!names) return;
    let count = 0;
    for (const entry of this.#byName.get(this.rules.nameOf(row)) ?? []) {
      if (count === maxNamesakes) break;
      count += 1;
      if (!names.lacks(entry.record, row)) yield entry;
    }
    const equal = this.#byContent.get(contentOf(row));
    if (equal) yield equal;
  }
}

/** Equal for rows with equal values: the id of one that matched no record does not count. */
function contentOf(row: RecordMessage): string {
  return contentText({ ...row, id: undefined });
}

function keyText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}
