import type { RecordMessage } from '../../fields/record-definition.js';
import type { LinkedRecords } from '../../records/references.js';
import { type UniqueValue, uniqueValues } from '../../records/unique-values.js';
import type { ImportRules } from '../import-rules.js';

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
  readonly #byName = new Map<string, Set<ImportRecord>>();
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
    const { type, names } = this.rules;
    if (before && before !== entry.record) {
      for (const value of uniqueValues(type, before)) {
        if (this.#byKey.get(keyText(value)) === entry) this.#byKey.delete(keyText(value));
      }
    }
    this.all.add(entry);
    this.#byId.set(entry.id, entry);
    for (const value of uniqueValues(type, entry.record)) this.#byKey.set(keyText(value), entry);
    if (!names) return;
    const name = this.rules.nameOf(entry.record);
    const namesakes = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, namesakes.add(entry));
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

  /** Records with that name, in the order of indexing; empty for a type whose records are not found by names. */
  namesakes(name: string): ImportRecord[] {
    return [...(this.#byName.get(name) ?? [])].filter(({ record }) => this.rules.nameOf(record) === name);
  }
}

function keyText({ type, value }: Pick<UniqueValue, 'type' | 'value'>): string {
  return `${type} ${value}`;
}
