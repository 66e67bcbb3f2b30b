import type { Pool, PoolClient } from 'pg';
import { isConnectionRefused } from '../database-errors.js';

/** How long the pool makes do with its open connections before it tries a new one again, in milliseconds. */
const pauseMs = 1_000;

/** A waiting call meets another refusal only when an open connection was lost meanwhile. */
const maxAttempts = 3;

/**
 * Takes connections of a pool while the server refuses new ones, as between the change of a password and the restart of the process, or at
 * its limit of connections: those that are open still work. pg-pool fails a call whose new connection is refused even if an open one is
 * free a moment later; here the call waits for one, and for a second so do the others.
 */
export class OpenConnections {
  readonly #open = new Set<PoolClient>();
  readonly #most: number;
  #pause: NodeJS.Timeout | undefined;

  /** @param connect of the pool itself */
  constructor(
    private readonly pool: Pool,
    private readonly connect: () => Promise<PoolClient>,
  ) {
    this.#most = pool.options.max;
    pool.on('connect', (client) => this.#open.add(client));
    pool.on('remove', (client) => this.#open.delete(client));
  }

  /** @throws Error why the server refuses a connection, when none is open */
  async take(): Promise<PoolClient> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.connect();
      } catch (error) {
        if (!isConnectionRefused(error) || this.#open.size === 0 || attempt === maxAttempts) throw error;
        this.#useOpenOnly();
      }
    }
  }

  /** A pool that is full makes calls wait for its connections. */
  #useOpenOnly(): void {
    this.pool.options.max = this.#open.size;
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined;
      this.pool.options.max = this.#most;
    }, pauseMs).unref();
  }
}
