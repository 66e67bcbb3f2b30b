import { randomBytes } from 'node:crypto';

/** A text that occurs in a tenant's records and nowhere else. */
export function newMarker(): string {
  return `k${randomBytes(8).toString('hex')}`;
}

/** Created on first use. */
export function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => (made ??= make());
}
