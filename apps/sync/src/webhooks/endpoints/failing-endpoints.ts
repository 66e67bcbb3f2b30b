/** How long an endpoint counts as failing after its next attempt was due, in milliseconds: attempts may be delayed. */
const graceMs = 60_000;

/**
 * Endpoints whose last attempt in this process failed. Each entry expires some time after its next attempt was due: a
 * deleted endpoint has no further attempts, and this process does not learn of its deletion.
 */
export class FailingEndpoints {
  readonly #untilMs = new Map<string, number>();

  /** @param waitMs until the next attempt of the failed delivery */
  note(id: string, waitMs: number, nowMs = Date.now()): void {
    this.#untilMs.set(id, Math.max(this.#untilMs.get(id) ?? 0, nowMs + waitMs + graceMs));
  }

  forget(id: string): void {
    this.#untilMs.delete(id);
  }

  /** The failing endpoints. Removes expired entries. */
  current(nowMs = Date.now()): ReadonlySet<string> {
    for (const [id, untilMs] of this.#untilMs) if (untilMs < nowMs) this.#untilMs.delete(id);
    return new Set(this.#untilMs.keys());
  }
}
