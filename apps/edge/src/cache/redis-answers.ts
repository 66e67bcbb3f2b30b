import { randomBytes } from 'node:crypto';
import { decrypt, encrypt, type Logger } from '@rapport/platform';
import type { RedisLink } from '../redis/redis.js';
import { RedisScript } from '../redis/redis-script.js';
import { redisNames, tagTtlMs } from './redis-names.js';

/** Largest answer that is kept in Redis, in bytes: it is sent whole on every lookup. */
const maxBytes = 256 * 1024;

/**
 * Returns the nonces of an answer's tags, made where they are missing, and the answer if it was kept with the same nonces. The
 * first key is the answer's, the second that of the generation.
 */
const look = new RedisScript(
  'look',
  `
  local nonces = {}
  for index = 2, #KEYS do
    local nonce = redis.call('GET', KEYS[index])
    if not nonce then
      nonce = ARGV[1]
      if index == 2 then redis.call('SET', KEYS[index], nonce) else redis.call('SET', KEYS[index], nonce, 'PX', ARGV[2]) end
    end
    nonces[#nonces + 1] = nonce
  end
  local standing = table.concat(nonces, ' ')
  local kept = redis.call('HMGET', KEYS[1], 'standing', 'body', 'etag', 'loadMs', 'ttlMs')
  if kept[1] ~= standing then return {standing} end
  return {standing, kept[2], kept[3], kept[4], kept[5], redis.call('PTTL', KEYS[1])}
`,
);

const keep = new RedisScript(
  'keep',
  `
  redis.call('HSET', KEYS[1], 'standing', ARGV[1], 'body', ARGV[2], 'etag', ARGV[3], 'loadMs', ARGV[4], 'ttlMs', ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
`,
);

type Found = [nonces: Buffer, body?: Buffer, etag?: Buffer, loadMs?: Buffer, ttlMs?: Buffer, leftMs?: number];

/** An answer that some edge loaded and no write has invalidated. */
export interface SharedAnswer {
  body: Buffer;
  etag: string;
  ageMs: number;
  /** How long it is fresh. */
  ttlMs: number;
}

/** The result of a lookup. */
export interface Lookup {
  found: SharedAnswer | undefined;
  /**
   * Stores an answer that was loaded after the lookup. It is valid only if none of its tags was invalidated since the
   * lookup.
   */
  keep(body: Buffer, etag: string, ttlMs: number): void;
}

/**
 * Answers in Redis, which all edges share. Each is kept with the nonces of its tags as they were before its load began, and is
 * valid while all of them are the same. A write deletes them, so a fill that comes late is void from its beginning, and a nonce
 * that Redis has evicted costs a miss. Answers are encrypted: personal data rests nowhere in plain text, and Redis writes files.
 */
export class RedisAnswers {
  /** @param key 32 bytes, the same for all edges */
  constructor(
    private readonly link: RedisLink,
    private readonly key: Buffer,
    private readonly logger: Logger,
  ) {}

  /** @returns undefined when Redis can't be asked */
  async look(tenantId: string, key: string, tags: readonly string[]): Promise<Lookup | undefined> {
    const startedAt = performance.now();
    const answerKey = redisNames.answer(tenantId, key);
    const keys = [answerKey, redisNames.generation, ...tags.map(redisNames.tag)];
    try {
      const nonce = randomBytes(9).toString('base64url');
      const found = (await look.run(this.link, keys, [nonce, String(tagTtlMs)])) as Found;
      return { found: readAnswer(found, this.key, answerKey), keep: this.#keeper(answerKey, found[0], startedAt) };
    } catch (error) {
      this.logger.debug({ err: error }, 'answers in Redis could not be looked up');
      return undefined;
    }
  }

  #keeper(answerKey: string, nonces: Buffer, startedAt: number): Lookup['keep'] {
    return (body, etag, ttlMs) => {
      if (body.length > maxBytes) return;
      const loadMs = Math.ceil(performance.now() - startedAt);
      const sealed = encrypt(this.key, body, answerKey);
      keep
        .run(this.link, [answerKey], [nonces, sealed, etag, String(loadMs), String(ttlMs)])
        .catch((error: unknown) => {
          this.logger.debug({ err: error }, 'an answer could not be kept in Redis');
        });
    };
  }
}

function readAnswer([, sealed, etag, loadMs, ttlMs, leftMs]: Found, key: Buffer, answerKey: string): Lookup['found'] {
  if (!sealed || leftMs === undefined || leftMs <= 0) return undefined;
  const body = openAnswer(key, sealed, answerKey);
  if (!body) return undefined;
  const ageMs = Number(String(ttlMs)) - leftMs + Number(String(loadMs));
  return { body, etag: String(etag), ageMs, ttlMs: leftMs };
}

/** Undefined when it was encrypted with another key, such as that of edges before the key was changed. */
function openAnswer(key: Buffer, sealed: Buffer, answerKey: string): Buffer | undefined {
  try {
    return decrypt(key, sealed, answerKey);
  } catch {
    return undefined;
  }
}
