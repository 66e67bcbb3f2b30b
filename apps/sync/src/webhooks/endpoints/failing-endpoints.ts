/** How long after its next attempt was due an endpoint still counts, in milliseconds: attempts wait for their turn. */
const graceMs = 60_000;

/**
 * Endpoints whose last attempt in this process has failed. Each is forgotten some time after its next one was due: of an
 * endpoint that was deleted nobody tells this process, and nothing is due any more.
 */
export class FailingEndpoints {
  readonly #untilMs = new Map<string, number>();

  /** @param waitMs until the next attempt of the delivery that has failed */
  note(id: string, waitMs: number, nowMs = Date.now()): void {
    this.#untilMs.set(id, Math.max(this.#untilMs.get(id) ?? 0, nowMs + waitMs + graceMs));
  }

  forget(id: string): void {
    this.#untilMs.delete(id);
  }

  /** Those that count, without what is to be forgotten by now. */
  current(nowMs = Date.now()): ReadonlySet<string> {
    for (const [id, untilMs] of this.#untilMs) if (untilMs < nowMs) this.#untilMs.delete(id);
    return new Set(this.#untilMs.keys());
  }
}
