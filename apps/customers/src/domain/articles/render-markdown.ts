import { AppError, TenantThreads, ThreadEnded } from '@rapport/platform';

const threads = new TenantThreads<string, string>(workerScript(), { timeoutMs: 3_000, maxThreads: 1 });

/** Safe HTML of Markdown. @throws AppError INVALID_ARGUMENT ARTICLE_INVALID when it takes too much time or memory */
export async function renderMarkdown(tenantId: string, markdown: string): Promise<string> {
  try {
    return await threads.ask(tenantId, markdown);
  } catch (error) {
    if (!(error instanceof ThreadEnded)) throw error;
    const message = 'The Markdown takes too much time or memory.';
    throw new AppError('INVALID_ARGUMENT', 'ARTICLE_INVALID', message, { cause: error });
  }
}

function workerScript(): URL {
  // Tests run the sources; a program is a bundle at the root of `dist`.
  const file = import.meta.filename.endsWith('.ts') ? './markdown-worker.ts' : './domain/articles/markdown-worker.js';
  return new URL(file, import.meta.url);
}
