import { createHash } from 'node:crypto';
import { inSpan, SpanKind, startSpan } from '@rapport/platform';
import { RESP_TYPES } from '@redis/client';
import type { RedisLink } from './redis.js';

/** The start of a script that uses Redis's own clock: `now`, in milliseconds. */
export const clockOfRedis = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** A Lua script, which Redis runs atomically. Its text is sent only when Redis has not cached it yet. */
export class RedisScript {
  readonly #sha: string;
  readonly #span: Parameters<typeof startSpan>;

  /** @param name for traces */
  constructor(
    name: string,
    private readonly source: string,
  ) {
    const attributes = { 'db.system.name': 'redis', 'db.stored_procedure.name': name };
    this.#span = [`EVALSHA ${name}`, { kind: SpanKind.CLIENT, attributes }];
    this.#sha = createHash('sha1').update(source).digest('hex');
  }

  /**
   * @returns texts as Buffers, numbers as numbers
   * @throws RedisUnavailable, or the error that Redis answered
   */
  run(link: RedisLink, keys: readonly string[], values: readonly (string | Buffer)[]): Promise<unknown> {
    const span = startSpan(...this.#span);
    return span ? inSpan(span, () => this.#run(link, keys, values)) : this.#run(link, keys, values);
  }

  async #run(link: RedisLink, keys: readonly string[], values: readonly (string | Buffer)[]): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...values];
    try {
      return await this.#send(link, ['EVALSHA', this.#sha, ...rest]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.#send(link, ['EVAL', this.source, ...rest]);
    }
  }

  #send(link: RedisLink, command: (string | Buffer)[]): Promise<unknown> {
    return link.ask((client) =>
      client.sendCommand<unknown>(command, { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } }),
    );
  }
}
