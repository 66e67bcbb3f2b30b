import { createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { countRetiredKeyUse, decrypt, encrypt, hmac, invalidArgument, type FieldViolation } from '@rapport/platform';
import { LRUCache } from 'lru-cache';

/** Most tokens that a process keeps, and their total size with what they stand for, in characters. */
const maxKept = { max: 20_000, maxSize: 4 * 1024 * 1024 };

/** A token and what it stands for. */
interface KnownToken {
  token: string;
  binding: string;
  /** The position in JSON. */
  payload: string;
}

/**
 * The key of a service's page tokens, with a derived key per use as KeyObjects: Node takes three times as long to import a key given as
 * bytes as to use it. Nest injects it by its class.
 */
export class PageTokenKey {
  /** Makes tokens. */
  readonly current: DerivedKeys;
  /** Read tokens: the current key and earlier ones. */
  readonly readers: readonly DerivedKeys[];
  /**
   * Tokens that were made or read lately: a client that reads a page asks for the next one, and one that refreshes a page
   * gets the same token again. By the token, and by `plainOf`.
   */
  readonly known = new LRUCache<string, KnownToken>({
    ...maxKept,
    sizeCalculation: ({ token, binding, payload }) => token.length + binding.length + payload.length,
  });

  /**
   * @param bytes 32 bytes
   * @param retired keys of tokens that are still read, 32 bytes each
   */
  constructor(bytes: Buffer, retired: readonly Buffer[] = []) {
    this.current = new DerivedKeys(bytes);
    this.readers = [this.current, ...retired.map((each) => new DerivedKeys(each))];
  }
}

/** The keys that are derived from one secret, by use. */
class DerivedKeys {
  readonly encryption: KeyObject;
  readonly nonces: KeyObject;
  /** For tokens that are only signed. */
  readonly signing: KeyObject;

  constructor(bytes: Buffer) {
    const derive = (use: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', bytes, '', `page token ${use}`, 32)));
    this.encryption = derive('encryption');
    this.nonces = derive('nonces');
    this.signing = createSecretKey(bytes);
  }
}

const nonceBytes = 12;
const tagBytes = 16;
/** Change feed readers store tokens: the layout is fixed. */
const layout = { tagFirst: true };

/**
 * An opaque token that continues a list after `position`. It is encrypted, since sort keys are values of records and
 * tokens appear in URLs and logs; authenticated, so that a caller can't invent a position; and bound, so that it fits
 * no other list. The same position gives the same token, so that the same page has the same ETag.
 *
 * AES-256-GCM with a nonce that is derived from the plaintext (as in RFC 8452): a nonce repeats only with the whole
 * token.
 *
 * @param binding whatever must be the same for the next page: method, tenant, filter, order
 * @param position values of the last row's sort keys as text, NULL as null
 */
export function signPageToken(key: PageTokenKey, binding: string, position: readonly (string | null)[]): string {
  const payload = JSON.stringify(position);
  const plain = plainOf(binding, payload);
  const known = key.known.get(plain);
  if (known) return known.token;
  const bytes = Buffer.from(payload);
  const { encryption, nonces } = key.current;
  const nonce = mac(nonces, binding, bytes).subarray(0, nonceBytes);
  const token = encrypt(encryption, bytes, binding, { nonce, ...layout }).toString('base64url');
  key.known.set(plain, { token, binding, payload }).set(token, { token, binding, payload });
  return token;
}

/** Different pairs give different texts. A client can send one as a token, which it is not. */
function plainOf(binding: string, payload: string): string {
  return `${binding.length}:${binding}${payload}`;
}

const pageTokenViolation: FieldViolation = {
  field: 'pageToken',
  reason: 'PAGE_TOKEN_INVALID',
  description: 'must be the nextPageToken of the previous page, with the same parameters',
};

/**
 * @param violation of an invalid token
 * @throws AppError INVALID_ARGUMENT when signPageToken did not make the token with one of these keys and this binding
 */
export function readPageToken(
  key: PageTokenKey,
  binding: string,
  token: string,
  violation: FieldViolation = pageTokenViolation,
): (string | null)[] {
  const known = key.known.get(token);
  if (known?.token === token && known.binding === binding) return JSON.parse(known.payload) as (string | null)[];
  const bytes = Buffer.from(token, 'base64url');
  const payload = payloadOf(key, binding, bytes)?.toString();
  if (payload === undefined) throw invalidArgument([violation]);
  key.known.set(token, { token, binding, payload });
  return JSON.parse(payload) as (string | null)[];
}

function payloadOf(key: PageTokenKey, binding: string, bytes: Buffer): Buffer | undefined {
  for (const keys of key.readers) {
    const payload = decrypted(keys, binding, bytes) ?? signed(keys, binding, bytes);
    if (payload === undefined) continue;
    if (keys !== key.current) countRetiredKeyUse('PAGE_TOKEN_KEY');
    return payload;
  }
  return undefined;
}

function decrypted(key: DerivedKeys, binding: string, bytes: Buffer): Buffer | undefined {
  if (bytes.length <= nonceBytes + tagBytes) return undefined;
  try {
    return decrypt(key.encryption, bytes, binding, layout);
  } catch {
    // Node reports no more than that authentication failed.
    return undefined;
  }
}

/** Earlier releases signed tokens without encrypting them. Readers of the change feed store such cursors for months. */
function signed(key: DerivedKeys, binding: string, bytes: Buffer): Buffer | undefined {
  const [given, payload] = [bytes.subarray(0, tagBytes), bytes.subarray(tagBytes)];
  const expected = mac(key.signing, binding, payload).subarray(0, tagBytes);
  const isOurs = given.length === tagBytes && timingSafeEqual(given, expected);
  return isOurs ? payload : undefined;
}

function mac(key: KeyObject, binding: string, payload: Buffer): Buffer {
  // The length separates binding and payload: different pairs give different inputs.
  const bound = Buffer.from(binding);
  return hmac(key).update(`${bound.length}:`).update(bound).update(payload).digest();
}
