/** An event that many wait for and that recurs. `sleep` ignores earlier events: check the condition before it. */
export class WakeSignal {
  readonly #sleepers = new Set<() => void>();

  wake(): void {
    for (const wakeUp of [...this.#sleepers]) wakeUp();
  }

  /** Resolves at the next `wake`, after `timeoutMs`, or when `signal` is aborted. */
  sleep(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wakeUp = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', wakeUp);
        this.#sleepers.delete(wakeUp);
        resolve();
      };
      const timer = setTimeout(wakeUp, timeoutMs);
      this.#sleepers.add(wakeUp);
      signal?.addEventListener('abort', wakeUp);
      if (signal?.aborted) wakeUp();
    });
  }
}
