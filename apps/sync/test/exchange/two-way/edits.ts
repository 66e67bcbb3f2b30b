/** What a record of the test has, on whichever side: texts. */
export const fields = ['title', 'company', 'email'] as const;

/** What records have instead, and how it is edited. */
export interface Content {
  fields: readonly string[];
  /** Whether no value comes twice: only then it is known whose edit a value is. */
  isUnique: (field: string) => boolean;
  value: (field: string, key: string, edit: string) => string;
}

/** Texts that name their record and their edit. */
export const texts: Content = {
  fields,
  isUnique: () => true,
  value: (field, key, edit) => (field === 'email' ? `${key}.${edit}@example.com`.toLowerCase() : `${key} ${edit}`),
};

/** A record as one side has it. Its key is what it is known by on both; the sides' own ids differ. */
export interface Person {
  id: string;
  key: string;
  values: Record<string, string>;
}

export type SideName = 'customers' | 'peer';

/** One side, which people edit while the sync exchanges what they do. Each method returns when the edit is surely done. */
export interface Side {
  name: SideName;
  all(): Promise<Person[]>;
  create(key: string, values: Record<string, string>): Promise<void>;
  /** Changes a field from what the caller has seen. @returns false, and nothing is changed, when it is another by now */
  edit(person: Person, field: string, value: string): Promise<boolean>;
  /** @returns false, and nothing is changed, when it is another by now */
  remove(person: Person): Promise<boolean>;
  /** Makes one of two. Absent where there is no such thing. */
  merge?(kept: Person, merged: Person): Promise<boolean>;
}

/** The possible final values of a field: the edits that no later edit has replaced. */
class Heads {
  readonly #of = new Map<SideName, string>();
  /** The last edit of each side, also when the other side has made another of it. */
  readonly last = new Map<SideName, string>();

  /** @param seen what its maker saw: when that is what the other side had come to, the edit takes its place */
  add(side: SideName, value: string, seen: string | undefined): void {
    const other = side === 'customers' ? 'peer' : 'customers';
    if (seen !== undefined && this.#of.get(other) === seen) this.#of.delete(other);
    this.#of.set(side, value);
    this.last.set(side, value);
  }

  get values(): string[] {
    return [...this.#of.values()];
  }
}

/** The edits of the records, from which their expected state follows. */
export class Edits {
  readonly #heads = new Map<string, Map<string, Heads>>();
  readonly removed = new Set<string>();
  /** Of records that were merged, what is left is the merge's business. */
  readonly merged = new Set<string>();
  count = 0;

  created(side: SideName, key: string, values: Record<string, string>): void {
    for (const [field, value] of Object.entries(values)) this.edited(side, key, field, value, undefined);
  }

  edited(side: SideName, key: string, field: string, value: string, seen: string | undefined): void {
    const ofKey = this.#heads.get(key) ?? new Map<string, Heads>();
    this.#heads.set(key, ofKey);
    const heads = ofKey.get(field) ?? new Heads();
    ofKey.set(field, heads);
    heads.add(side, value, seen);
    this.count += 1;
  }

  get keys(): string[] {
    return [...this.#heads.keys()];
  }

  /** Values that no edit has replaced. @param isListed true for a conflict, in which both sides keep their last edit */
  possible(key: string, field: string, isListed: boolean): string[] {
    const heads = this.#heads.get(key)?.get(field);
    return (isListed ? [...(heads?.last.values() ?? [])] : heads?.values) ?? [];
  }
}
