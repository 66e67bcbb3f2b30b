import { invalidField, maxHtmlDepth, TenantThreads, ThreadEnded } from '@rapport/platform';
import type { ReplyDone } from './reply-worker.js';

/** HTML of 500,000 characters takes up to 400 ms, and longer on a busy machine: too long for the thread of all calls. */
const threads = new TenantThreads<string, ReplyDone>(workerScript(), { timeoutMs: 8_000, maxThreads: 1 });

/**
 * The HTML that an agent wrote, with text and its form only: nothing in it runs, loads or is shown outside of it.
 *
 * @throws AppError INVALID_ARGUMENT TOO_DEEP, or TOO_LONG when it takes too much time
 */
export async function replyHtml(tenantId: string, html: string): Promise<string> {
  const { html: safe } = await threads.ask(tenantId, html).catch((error: unknown) => {
    if (!(error instanceof ThreadEnded)) throw error;
    throw invalidField('reply.html', 'TOO_LONG', 'takes too much time to read');
  });
  if (safe !== undefined) return safe;
  throw invalidField('reply.html', 'TOO_DEEP', `must have at most ${maxHtmlDepth} elements within each other`);
}

function workerScript(): URL {
  // Tests run the sources; a program is a bundle at the root of `dist`.
  const file = import.meta.filename.endsWith('.ts') ? './reply-worker.ts' : './domain/ticket-actions/reply-worker.js';
  return new URL(file, import.meta.url);
}
