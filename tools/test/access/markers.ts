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

/** Created on the first use of a key, such as a tenant. */
export function oncePerKey<Value>(): (key: string, make: () => Promise<Value>) => Promise<Value> {
  const made = new Map<string, Promise<Value>>();
  return (key, make) => {
    const value = made.get(key) ?? make();
    made.set(key, value);
    return value;
  };
}
