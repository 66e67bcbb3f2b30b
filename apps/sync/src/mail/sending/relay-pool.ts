import { setTimeout as delay } from 'node:timers/promises';
import type { RelaySession, SendResult, SentEnvelope } from '../relays/relay-session.js';

/** How long a session waits for the next message, in milliseconds. Servers close idle ones after some minutes. */
const idleMs = 15_000;

export interface PoolLimits {
  maxConnections: number;
  maxPerConnection: number;
  /** 0 for no limit. */
  maxPerMinute: number;
}

/** The sessions with one relay. They are reused, and bounded in number and in messages; messages are paced. */
export class RelayPool {
  readonly #idle: { session: RelaySession; timer: NodeJS.Timeout }[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #nextMs = 0;
  #isClosed = false;

  constructor(
    private readonly limits: PoolLimits,
    private readonly connect: () => Promise<RelaySession>,
  ) {}

  /**
   * Checks that the relay takes messages, before any is claimed.
   *
   * @throws RelayError
   */
  async probe(): Promise<void> {
    this.#release(await this.#acquire());
  }

  /**
   * Hands over a message.
   *
   * @throws RelayError when no session could be opened: the message was not sent
   */
  async send(envelope: SentEnvelope, content: Buffer): Promise<SendResult> {
    const session = await this.#acquire();
    try {
      await this.#pace();
      return await session.send(envelope, content);
    } finally {
      this.#release(session);
    }
  }

  /** Ends idle sessions; others end with their message. */
  close(): void {
    this.#isClosed = true;
    for (const { session, timer } of this.#idle.splice(0)) {
      clearTimeout(timer);
      this.#end(session);
    }
  }

  async #acquire(): Promise<RelaySession> {
    for (;;) {
      const kept = this.#idle.pop();
      if (kept) {
        clearTimeout(kept.timer);
        if (kept.session.isUsable) return kept.session;
        this.#end(kept.session);
        continue;
      }
      if (this.#open < this.limits.maxConnections) return this.#connect();
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async #connect(): Promise<RelaySession> {
    this.#open += 1;
    try {
      return await this.connect();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #release(session: RelaySession): void {
    if (this.#isClosed || !session.isUsable || session.count >= this.limits.maxPerConnection) {
      this.#end(session);
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((each) => each.session === session),
        1,
      );
      this.#end(session);
    }, idleMs);
    timer.unref();
    this.#idle.push({ session, timer });
    this.#waiting.shift()?.();
  }

  #end(session: RelaySession): void {
    session.close();
    this.#leave();
  }

  #leave(): void {
    this.#open -= 1;
    this.#waiting.shift()?.();
  }

  /** Spreads messages evenly, so that any minute has at most as many as allowed. */
  async #pace(): Promise<void> {
    if (this.limits.maxPerMinute === 0) return;
    const now = Date.now();
    const startMs = Math.max(now, this.#nextMs);
    this.#nextMs = startMs + 60_000 / this.limits.maxPerMinute;
    if (startMs > now) await delay(startMs - now, undefined, { ref: false });
  }
}
