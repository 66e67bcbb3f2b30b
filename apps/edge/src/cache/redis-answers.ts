import { randomBytes } from 'node:crypto';
import type { Logger } from '@rapport/platform';
import type { RedisLink } from '../redis.js';
import { RedisScript } from '../redis-script.js';
import { openAnswer, sealAnswer } from './sealed-answer.js';
import { floorTtlMs, redisNames } from './redis-names.js';
import type { Look, SharedAnswers } from './shared-answers.js';

/** Largest answer that is kept in Redis, in bytes: it is sent whole on every look. */
const maxBytes = 256 * 1024;

/**
 * Gives the nonces that an answer stands on, made where they are missing, and the answer when it was kept on the very same.
 * The first key is the answer's, the second has the nonce under all.
 */
const look = new RedisScript(
  'look',
  `
  local stand = {}
  for index = 2, #KEYS do
    local nonce = redis.call('GET', KEYS[index])
    if not nonce then
      nonce = ARGV[1]
      if index == 2 then redis.call('SET', KEYS[index], nonce) else redis.call('SET', KEYS[index], nonce, 'PX', ARGV[2]) end
    end
    stand[#stand + 1] = nonce
  end
  local standing = table.concat(stand, ' ')
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

type Found = [standing: Buffer, body?: Buffer, etag?: Buffer, loadMs?: Buffer, ttlMs?: Buffer, leftMs?: number];

/**
 * Answers in Redis. Each is kept with the nonces of its floors as they were before its load began, and is valid while all
 * of them are the same. A writer sets new ones, so a fill that comes late is void from its beginning, and a floor that Redis
 * has evicted costs a miss. They are encrypted: personal data rests nowhere in plain text, and Redis keeps files too.
 */
export class RedisAnswers implements SharedAnswers {
  constructor(
    private readonly link: RedisLink,
    private readonly key: Buffer,
    private readonly logger: Logger,
  ) {}

  async look(tenantId: string, key: string, floors: readonly string[]): Promise<Look | undefined> {
    const startedAt = performance.now();
    const answerKey = redisNames.answer(tenantId, key);
    const keys = [answerKey, redisNames.generation, ...floors.map(redisNames.floor)];
    try {
      const nonce = randomBytes(9).toString('base64url');
      const found = (await look.run(this.link, keys, [nonce, String(floorTtlMs)])) as Found;
      return { found: readAnswer(found, this.key, answerKey), keep: this.#keeper(answerKey, found[0], startedAt) };
    } catch (error) {
      this.logger.debug({ err: error }, 'answers in Redis could not be looked at');
      return undefined;
    }
  }

  #keeper(answerKey: string, standing: Buffer, startedAt: number): Look['keep'] {
    return (body, etag, ttlMs) => {
      if (body.length > maxBytes) return;
      const loadMs = Math.ceil(performance.now() - startedAt);
      keep
        .run(
          this.link,
          [answerKey],
          [standing, sealAnswer(this.key, body, answerKey), etag, String(loadMs), String(ttlMs)],
        )
        .catch((error: unknown) => {
          this.logger.debug({ err: error }, 'an answer could not be kept in Redis');
        });
    };
  }
}

function readAnswer([, sealed, etag, loadMs, ttlMs, leftMs]: Found, key: Buffer, answerKey: string): Look['found'] {
  if (!sealed || leftMs === undefined || leftMs <= 0) return undefined;
  const body = openAnswer(key, sealed, answerKey);
  if (!body) return undefined;
  const ageMs = Number(String(ttlMs)) - leftMs + Number(String(loadMs));
  return { body, etag: String(etag), ageMs, ttlMs: leftMs };
}
