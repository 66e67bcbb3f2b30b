import type { KeyObject } from 'node:crypto';
import { hmac, secretOf } from '@rapport/platform';
import type { JsonValue } from '../../connectors/peer-record.js';

/** Keyed hashes that compare values without storing them: without the key they reveal nothing. */
export class Fingerprints {
  readonly #key: KeyObject;

  /** @param key 32 bytes. Fingerprints under different keys are not comparable */
  constructor(key: Buffer) {
    this.#key = secretOf(key);
  }

  /** 96 bits. Independent of the order of an object's keys. */
  of(value: JsonValue): string {
    return hmac(this.#key).update(canonical(value)).digest('base64url').slice(0, 16);
  }
}

function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(',')}}`;
}
