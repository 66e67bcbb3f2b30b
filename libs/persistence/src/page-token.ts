import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { invalidArgument, type FieldViolation } from '@rapport/platform';

const macBytes = 16;

/**
 * An opaque token that continues a list after `position`. It is signed, so that nobody can ask for a position that we
 * did not give, and bound, so that it fits no other list.
 *
 * @param key 32 bytes
 * @param binding whatever must be the same for the next page: method, tenant, filter, order
 * @param position values of the last row's sort keys as text, NULL as null
 */
export function signPageToken(key: Buffer, binding: string, position: readonly (string | null)[]): string {
  const payload = Buffer.from(JSON.stringify(position));
  return Buffer.concat([mac(key, binding, payload), payload]).toString('base64url');
}

const pageTokenViolation: FieldViolation = {
  field: 'pageToken',
  reason: 'PAGE_TOKEN_INVALID',
  description: 'must be the nextPageToken of the page before, asked for with the same parameters',
};

/**
 * @param violation what is wrong with a token that is not ours
 * @throws AppError INVALID_ARGUMENT when the token was not made by signPageToken with this key and binding
 */
export function readPageToken(
  key: Buffer,
  binding: string,
  token: string,
  violation: FieldViolation = pageTokenViolation,
): (string | null)[] {
  const bytes = Buffer.from(token, 'base64url');
  const [given, payload] = [bytes.subarray(0, macBytes), bytes.subarray(macBytes)];
  if (given.length === macBytes && timingSafeEqual(given, mac(key, binding, payload))) {
    return JSON.parse(payload.toString()) as (string | null)[];
  }
  throw invalidArgument([violation]);
}

function mac(key: Buffer, binding: string, payload: Buffer): Buffer {
  // The length keeps binding and payload apart: no two pairs of them give the same input.
  const bound = Buffer.from(binding);
  return createHmac('sha256', keyObject(key))
    .update(`${bound.length}:`)
    .update(bound)
    .update(payload)
    .digest()
    .subarray(0, macBytes);
}

const keyObjects = new WeakMap<Buffer, KeyObject>();

/** Node takes longer to read a key from bytes than to sign with it. */
function keyObject(key: Buffer): KeyObject {
  let object = keyObjects.get(key);
  if (!object) {
    object = createSecretKey(key);
    keyObjects.set(key, object);
  }
  return object;
}
