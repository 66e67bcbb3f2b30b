import { randomBytes } from 'node:crypto';
import type { Statement } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import { DataKey, dataKeyBytes } from './data-key.js';

/** Characters of a UUID that count: its last four bytes. */
const counted = 8;

/** Ids of keys that are consecutive, so that any number of keys can be named by their range. */
export class KeyIds {
  readonly #prefix = uuidv7().slice(0, -counted);
  #count = 0;

  /** How many ids were taken. */
  get count(): number {
    return this.#count;
  }

  next(): string {
    const id = this.at(this.#count);
    this.#count += 1;
    return id;
  }

  /** Whether an id was taken. @param from not counting so many, the first ones */
  has(id: string, from: number): boolean {
    return this.#count > from && id >= this.at(from) && id <= this.at(this.#count - 1);
  }

  /** @param index from 0 */
  at(index: number): string {
    return this.#prefix + index.toString(16).padStart(counted, '0');
  }
}

/** The first key of a subject. */
export interface NewKey {
  subject: string;
  id: string;
  bytes: Buffer;
}

export function newKey(subject: string): NewKey {
  return { subject, id: uuidv7(), bytes: randomBytes(dataKeyBytes) };
}

export function keyOf({ id, bytes }: NewKey): DataKey {
  return new DataKey(id, bytes);
}

/** @param wrapped the keys as the statement expects them. @param ifExists what happens to the key of a subject that has one */
export function insertFirst(tenantId: string, wrapped: readonly object[], ifExists: 'fails' | 'is ignored'): Statement {
  const isIgnored = ifExists === 'is ignored';
  return {
    name: isIgnored ? 'create_subject_keys' : 'create_new_subject_keys',
    sql: `insert into subject_key (tenant_id, id, customer_id, generation, wrapped, create_time)
      select $1, made.id, made.customer_id, 1, made.wrapped, now()
      from jsonb_to_recordset($2) as made (id uuid, customer_id uuid, wrapped bytea)
      order by made.customer_id ${isIgnored ? 'on conflict do nothing' : ''}`,
    values: [tenantId, JSON.stringify(wrapped)],
  };
}
