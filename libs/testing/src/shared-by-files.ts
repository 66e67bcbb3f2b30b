/** Global, because `vitest.environment.ts` loads its own instance of this module. */
const worker = globalThis as typeof globalThis & { rapportEndings?: (() => Promise<void>)[] };

/**
 * A fixture that the test files of a worker share, such as a running service: started on first use, ended after the last
 * file, in reverse order. A failed start fails in each file that uses it. It needs `vitest.environment.ts`.
 */
export function sharedByFiles<Shared>(
  start: () => Promise<Shared>,
  end: (shared: Shared) => Promise<void>,
): () => Promise<Shared> {
  let starting: Promise<Shared> | undefined;
  return () => {
    if (starting) return starting;
    if (!worker.rapportEndings) throw new Error('Set `environment` to vitest.environment.ts: it ends shared fixtures.');
    const started = (starting = start());
    worker.rapportEndings.push(() => started.then(end, () => undefined));
    return started;
  };
}

/** The fixture of `sharedInTurn` that runs. */
let turn: { of: object; end: () => Promise<void> } | undefined;

/**
 * Like `sharedByFiles`, for fixtures that use processor time while nothing uses them, such as a platform: at most one runs in a
 * worker. The use of another one ends it, and its next use starts it again.
 */
export function sharedInTurn<Shared>(
  start: () => Promise<Shared>,
  end: (shared: Shared) => Promise<void>,
): () => Promise<Shared> {
  const fixture = {};
  let use: (() => Promise<Shared>) | undefined;
  return async () => {
    if (use && turn?.of === fixture) return use();
    await turn?.end();
    let isEnded = false;
    const endOnce = async (shared: Shared) => {
      if (isEnded) return;
      isEnded = true;
      await end(shared);
    };
    const started = (use = sharedByFiles(start, endOnce));
    turn = { of: fixture, end: () => started().then(endOnce, () => undefined) };
    return started();
  };
}
