import type { Logger } from '@rapport/platform';
import { createClient } from '@redis/client';

/** How often it is looked whether Redis answers, in milliseconds. */
const beatMs = 100;
/**
 * How many beats Redis may leave everything unanswered before it counts as away. Not a time: when it is this process that
 * stood still, or the machine, that is one beat.
 */
const patienceBeats = 5;
/** After so many beats in which nothing was asked, a ping is. The renewals of a lease come more often, and are as good. */
const pingAfterBeats = 4;
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
    // What can't be asked now is not worth asking later.
    disableOfflineQueue: true,
    // It does not cover commands that were sent, and costs a timer for each. The link's patience covers all of them.
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

/** Rejection of whatever is asked while Redis does not answer. */
export class RedisAway extends Error {
  override readonly name = 'RedisAway';

  constructor() {
    super('Redis does not answer.');
  }
}

/**
 * A connection to Redis that never makes its user wait for long. A server that is frozen keeps its connections open and
 * answers nothing, which no setting of the client notices while commands are still written. So when commands wait, and
 * nothing at all came back for half a second, every one of them and every later one rejects at once, until a ping is answered.
 * The link pings while no other command is sent, and while it counts Redis as away.
 */
export class RedisLink {
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #heartbeat: NodeJS.Timeout;
  #answers = false;
  /** Whether the log says that it is away: once, however many attempts fail. */
  #isLoggedAway = false;
  #isPinged = false;
  /** Beats since something came back, or the first of what waits was asked. */
  #quietBeats = 0;
  /** Beats since something was asked. */
  #idleBeats = 0;
  #closed = false;

  /** @param client for `duplicate`, such as to subscribe; give a duplicate a `pingInterval` below its `socketTimeout` */
  constructor(
    readonly client: RedisClient,
    private readonly logger: Logger,
  ) {
    client.on('ready', () => this.#found());
    client.on('error', (error: Error) => this.#lost(error));
    this.#heartbeat = setInterval(() => this.#beat(), beatMs).unref();
  }

  /** False from the moment Redis is seen not to answer until it answers again. */
  get answers(): boolean {
    return this.#answers;
  }

  /**
   * Sends a command and waits for its answer, a few hundred milliseconds at most. A command that was given up may have
   * been done, or be done when Redis goes on.
   *
   * @throws RedisAway, or the error that Redis answered
   */
  ask<Answer>(command: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    if (!this.#answers) return Promise.reject(new RedisAway());
    return new Promise<Answer>((resolve, reject) => {
      this.#idleBeats = 0;
      if (!this.#awaits) this.#quietBeats = 0;
      this.#waiting.add(reject);
      command(this.client).then(
        (answer) => {
          this.#quietBeats = 0;
          this.#waiting.delete(reject);
          resolve(answer);
        },
        (error: Error) => {
          // An error is an answer too. One of the connection is seen by the next beat.
          this.#quietBeats = 0;
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.client.destroy();
    this.#giveUpWaiting();
  }

  /** Whether Redis owes an answer. */
  get #awaits(): boolean {
    return this.#isPinged || this.#waiting.size > 0;
  }

  #beat(): void {
    if (!this.client.isReady) return this.#lost();
    if (!this.#awaits) {
      this.#idleBeats += 1;
      if (!this.#answers || this.#idleBeats >= pingAfterBeats) this.#ping();
      return;
    }
    // Answers that are there already are read first.
    setImmediate(() => {
      if (this.#awaits && ++this.#quietBeats >= patienceBeats) this.#lost();
    });
  }

  #ping(): void {
    this.#isPinged = true;
    this.#quietBeats = 0;
    this.#idleBeats = 0;
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
    this.#isLoggedAway = false;
    this.logger.info('Redis answers');
  }

  #lost(error?: Error): void {
    // Before the first connection only a failed attempt says something: until then it is on its way.
    if (!this.#isLoggedAway && (this.#answers || error)) {
      this.#isLoggedAway = true;
      this.logger.warn({ err: error }, 'Redis does not answer');
    }
    this.#answers = false;
    this.#giveUpWaiting();
  }

  #giveUpWaiting(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reject of waiting) reject(new RedisAway());
  }
}
