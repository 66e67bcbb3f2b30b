import type { Logger } from '@rapport/platform';
import { createClient } from '@redis/client';

/** How often the link checks whether Redis answers, in milliseconds. */
const tickMs = 100;
/**
 * How many ticks Redis may leave everything unanswered before it counts as unreachable. Not a time: a pause of this process
 * or of the machine is one tick.
 */
const maxQuietTicks = 5;
/**
 * After this many ticks without a command the link sends a ping. The renewals of a lease come more often, and serve as
 * well.
 */
const pingAfterTicks = 4;
/** How long a start waits for the first connection, in milliseconds. */
const firstConnectionMs = 1_000;

/**
 * Connects to Redis. Resolves when it answers, or within a second when it does not: an edge starts and works without it,
 * and the connection is tried for ever.
 *
 * Redis Cluster is not supported: the scripts of the cache use keys of several slots. One primary with replicas is.
 *
 * @param url such as `redis://user:password@host:6379` or `rediss://…` for TLS
 */
export async function createRedis(url: string, logger: Logger): Promise<RedisLink> {
  const client = openClient(url);
  const link = new RedisLink(client, logger);
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, firstConnectionMs);
  // Rejects only when the link is closed meanwhile; every failed attempt is an event `error`.
  const connected = client.connect().then(
    () => undefined,
    () => undefined,
  );
  await Promise.race([connected, timeout]);
  clearTimeout(timer);
  return link;
}

type RedisClient = ReturnType<typeof openClient>;

function openClient(url: string) {
  return createClient({
    url,
    // A command that can't be sent now is not worth sending later.
    disableOfflineQueue: true,
    // The client's command timeout does not cover commands that were sent, and costs a timer for each. The link's own
    // timeout covers all of them.
    commandOptions: { timeout: undefined },
    socket: {
      connectTimeout: 1_000,
      // A connection on which even pings are no longer written is dead.
      socketTimeout: 2_000,
      // Must return a number: with its own strategy the client closes for good after a timeout.
      reconnectStrategy: (retries) => Math.min(50 * 2 ** Math.min(retries, 3), 250),
    },
  });
}

/** Rejects every command while Redis does not answer. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';

  constructor() {
    super('Redis does not answer.');
  }
}

/**
 * A connection to Redis whose commands never wait for long. A frozen server keeps its connections open and answers nothing,
 * which no setting of the client detects while commands are still written. So when commands wait, and nothing at all came
 * back for half a second, all of them and every later one reject at once, until a ping is answered. The link pings while no
 * other command is sent, and while Redis counts as unreachable.
 */
export class RedisLink {
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #ticker: NodeJS.Timeout;
  #answers = false;
  /** Whether the outage has been logged: once, however many attempts fail. */
  #isOutageLogged = false;
  #isPinged = false;
  /** Ticks since the last answer, or since the first waiting command was sent. */
  #quietTicks = 0;
  /** Ticks since the last command. */
  #idleTicks = 0;
  #closed = false;

  /** @param client for `duplicate`, such as to subscribe; give a duplicate a `pingInterval` below its `socketTimeout` */
  constructor(
    readonly client: RedisClient,
    private readonly logger: Logger,
  ) {
    client.on('ready', () => this.#found());
    client.on('error', (error: Error) => this.#lost(error));
    this.#ticker = setInterval(() => this.#tick(), tickMs).unref();
  }

  /** False from the moment Redis is seen not to answer until it answers again. */
  get answers(): boolean {
    return this.#answers;
  }

  /**
   * Sends a command and waits for its answer, a few hundred milliseconds at most. A command that timed out may have run, or
   * may still run when Redis resumes.
   *
   * @throws RedisUnavailable, or the error that Redis answered
   */
  ask<Answer>(command: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    if (!this.#answers) return Promise.reject(new RedisUnavailable());
    return new Promise<Answer>((resolve, reject) => {
      this.#idleTicks = 0;
      if (!this.#awaits) this.#quietTicks = 0;
      this.#waiting.add(reject);
      command(this.client).then(
        (answer) => {
          this.#quietTicks = 0;
          this.#waiting.delete(reject);
          resolve(answer);
        },
        (error: Error) => {
          // An error is an answer too. The next tick notices an error of the connection.
          this.#quietTicks = 0;
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#ticker);
    this.client.destroy();
    this.#giveUpWaiting();
  }

  /** Whether Redis owes an answer. */
  get #awaits(): boolean {
    return this.#isPinged || this.#waiting.size > 0;
  }

  #tick(): void {
    if (!this.client.isReady) return this.#lost();
    if (!this.#awaits) {
      this.#idleTicks += 1;
      if (!this.#answers || this.#idleTicks >= pingAfterTicks) this.#ping();
      return;
    }
    // Answers that have already arrived are read first.
    setImmediate(() => {
      if (this.#awaits && ++this.#quietTicks >= maxQuietTicks) this.#lost();
    });
  }

  #ping(): void {
    this.#isPinged = true;
    this.#quietTicks = 0;
    this.#idleTicks = 0;
    this.client.ping().then(
      () => {
        this.#isPinged = false;
        this.#found();
      },
      () => {
        this.#isPinged = false;
      },
    );
  }

  #found(): void {
    if (this.#answers || this.#closed) return;
    this.#answers = true;
    this.#isOutageLogged = false;
    this.logger.info('Redis answers');
  }

  #lost(error?: Error): void {
    // Before the first connection only a failed attempt counts: until then the connection is being made.
    if (!this.#isOutageLogged && (this.#answers || error)) {
      this.#isOutageLogged = true;
      this.logger.warn({ err: error }, 'Redis does not answer');
    }
    this.#answers = false;
    this.#giveUpWaiting();
  }

  #giveUpWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reject of waiting) reject(new RedisUnavailable());
  }
}
