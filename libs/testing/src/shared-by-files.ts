/** Shared with `vitest.environment.ts`, which has a module of its own: both find the list here. */
const worker = globalThis as typeof globalThis & { rapportEndings?: (() => Promise<void>)[] };

/**
 * Something that the test files of a worker share, such as a running service: started for the first file that asks for it, ended
 * after the last file, in reverse order. What fails to start fails in each file that asks. It needs `vitest.environment.ts`.
 */
export function sharedByFiles<Shared>(
  start: () => Promise<Shared>,
  end: (shared: Shared) => Promise<void>,
): () => Promise<Shared> {
  let starting: Promise<Shared> | undefined;
  return () => {
    if (starting) return starting;
    if (!worker.rapportEndings)
      throw new Error('Set `environment` to vitest.environment.ts: it ends what files share.');
    const started = (starting = start());
    worker.rapportEndings.push(() => started.then(end, () => undefined));
    return started;
  };
}
