import { createHash } from 'node:crypto';
import type { AppError } from '@rapport/platform';
import type { CachedRoute } from './cached-route.js';
import type { Storable } from './fair-store.js';
import type { Footing } from './floors.js';

/** What a load brought: the bytes of an answer, or the refusal that stands for a record which does not exist. */
export type Loaded = { body: Buffer; etag: string } | { refusal: AppError };

/** About what an entry takes besides its text and bytes: objects, header block, its place in maps. */
const overheadBytes = 900;

/** About what each floor that it stands on takes: the floor with its name, its places in a map and in the footing. */
const floorBytes = 200;

/** Up to here node:http writes header block and body at once when the body is a string; above, copying costs more than it saves. */
const maxTextBytes = 16 * 1024;

/** One answer in the memory of this process. Times are those of `performance.now()`. */
export class KeptAnswer implements Storable {
  readonly bytes: number;
  /** The bytes to send, as they are or as a string to be written as `latin1`. Absent when the answer is a refusal. */
  readonly content: string | Buffer | undefined;
  readonly contentLength: number;
  readonly etag: string;
  readonly refusal: AppError | undefined;
  used = false;
  /** The header block without what differs between requests, as it is in one second of its life. */
  headers: readonly string[] | undefined;
  headersSecond = -1;

  constructor(
    readonly route: CachedRoute,
    key: string,
    loaded: Loaded,
    /** When the load began: no write that was acknowledged before is missing. -Infinity when another edge's clock knows. */
    readonly loadedAt: number,
    /** When the load began, about. */
    readonly bornAt: number,
    readonly freshUntil: number,
    readonly staleUntil: number,
    readonly footing: Footing,
  ) {
    if ('refusal' in loaded) {
      this.refusal = loaded.refusal;
      this.etag = '';
      this.contentLength = 0;
    } else {
      const { body } = loaded;
      this.content = body.length <= maxTextBytes ? body.toString('latin1') : body;
      this.contentLength = body.length;
      this.etag = loaded.etag;
    }
    this.bytes = overheadBytes + floorBytes * footing.size + 2 * key.length + this.contentLength;
  }

  /** The bytes to send. */
  body(): Buffer {
    const { content = '' } = this;
    return typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  }

  dropped(): void {
    this.footing.leave();
  }
}

/** The record's own version, or else a strong hash of the bytes. */
export function etagOf(recordEtag: unknown, body: Buffer): string {
  if (typeof recordEtag === 'string' && recordEtag !== '') return recordEtag;
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
}
