import { TenantThreads, ThreadEnded } from '@rapport/platform';
import type { Fault, TemplateDone, TemplateJob } from './liquid-worker.js';

export type { Fault, RenderedTemplate, TemplateRendering, TemplateSource } from './liquid-worker.js';

/** The deadline is for templates that Liquid's own limits do not stop. */
const threads = new TenantThreads<TemplateJob, TemplateDone>(workerScript(), { timeoutMs: 3_000, maxThreads: 2 });

/** Checks or renders a template of a tenant, in threads with limits: Liquid itself is no sandbox. */
export async function runLiquid(tenantId: string, job: TemplateJob): Promise<TemplateDone> {
  try {
    return await threads.ask(tenantId, job);
  } catch (error) {
    if (!(error instanceof ThreadEnded)) throw error;
    const fault: Fault = { field: 'body', line: 0, column: 0, message: 'It takes too much time or memory.' };
    return { faults: [fault] };
  }
}

function workerScript(): URL {
  // Tests run the sources; a program is a bundle at the root of `dist`.
  const file = import.meta.filename.endsWith('.ts') ? './liquid-worker.ts' : './domain/templates/liquid-worker.js';
  return new URL(file, import.meta.url);
}
