import { createHmac } from 'node:crypto';
import type { JsonValue } from '../../connectors/peer-record.js';

/** Says whether two values are the same without keeping them: what is kept of records tells nothing to who has no key. */
export class Fingerprints {
  /** @param key 32 bytes. Those of another key say nothing about these. */
  constructor(private readonly key: Buffer) {}

  /** Of 96 bits. The order of an object's names does not matter. */
  of(value: JsonValue): string {
    return createHmac('sha256', this.key).update(canonical(value)).digest('base64url').slice(0, 16);
  }
}

function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`).join(',')}}`;
}
