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
