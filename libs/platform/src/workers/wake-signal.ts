/** A recurring event that many may wait for. `sleep` ignores earlier events: check the condition before it. */
export class WakeSignal {
  readonly #listeners = new Set<() => void>();

  wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` at each `wake`, until the returned function is called. */
  onWake(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves at the next `wake`, after `timeoutMs`, or when `signal` is aborted. */
  sleep(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wakeUp = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wakeUp);
        stopListening();
        resolve();
      };
      const timer = setTimeout(wakeUp, timeoutMs);
      const stopListening = this.onWake(wakeUp);
      signal?.addEventListener('abort', wakeUp);
      if (signal?.aborted) wakeUp();
    });
  }
}
