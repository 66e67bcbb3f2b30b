import { createHash } from 'node:crypto';

/** A version for records whose peer has none: 128 bits of SHA-256 of their texts. */
export function contentVersion(texts: readonly (string | null)[]): string {
  // As JSON, so that ["ab", "c"] and ["a", "bc"] differ, and null differs from "null".
  return createHash('sha256').update(JSON.stringify(texts)).digest('base64url').slice(0, 22);
}
