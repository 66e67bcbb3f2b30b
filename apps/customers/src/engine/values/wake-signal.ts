/** Lets many wait for something that happens again and again. Who waits looks first whether it has happened already. */
export class WakeSignal {
  readonly #sleepers = new Set<() => void>();

  wake(): void {
    for (const wakeUp of [...this.#sleepers]) wakeUp();
  }

  /** Until the next `wake`, `timeoutMs` have passed, or `signal` says so. */
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
