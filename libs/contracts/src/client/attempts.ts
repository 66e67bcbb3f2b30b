import { setTimeout as delay } from 'node:timers/promises';
import { hadNoConnection, wasRefused } from '../errors/grpc-status.js';

/** Longest waits before a refused call is repeated, in milliseconds. */
const refusedAgainMs = [10, 50, 200];
/** How long a call waits for a connection while there is none, in milliseconds: longer than the wait between two attempts to connect. */
const connectMs = 1_000;

/** The attempts at one call: decides whether and when it is repeated. */
export class Attempts {
  readonly connectBy: number;
  #refusals = 0;

  constructor(
    deadline: number,
    readonly signal: AbortSignal | undefined,
  ) {
    this.connectBy = Math.min(Date.now() + connectMs, deadline);
  }

  /** Resolves when the call may be repeated. @throws `error` when no further attempt is made */
  async after(error: unknown): Promise<void> {
    if (hadNoConnection(error) && Date.now() < this.connectBy && !this.signal?.aborted) return;
    const waitMs = refusedAgainMs[this.#refusals];
    if (waitMs === undefined || !wasRefused(error)) throw error;
    this.#refusals += 1;
    await delay(Math.random() * waitMs, undefined, { signal: this.signal }).catch(() => {
      throw error;
    });
  }
}
