import { createHash } from 'node:crypto';

/** A version for records whose peer has none: the same for the same texts, in 128 bits of SHA-256. */
export function contentVersion(texts: readonly (string | null)[]): string {
  // As JSON, so that ["ab", "c"] and ["a", "bc"] differ, and null differs from "null".
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url').slice(0, 22);
}
