import { vi } from 'vitest';

/** Global, because a file that loads modules anew has its own instance of this one. */
const worker = globalThis as typeof globalThis & { rapportReferring?: ReturnType<typeof load> };

/**
 * The service with record types that refer to customers, and the modules that these types are registered with. All files
 * that need them share them, and no other file has them.
 */
export function referringModules(): ReturnType<typeof load> {
  return (worker.rapportReferring ??= load());
}

async function load() {
  vi.resetModules();
  const modules = {
    ...(await import('./referring-tenant.js')),
    ...(await import('./referring-records.js')),
    ...(await import('./encrypted-tenant.js')),
    ...(await import('./superuser.js')),
    ...(await import('../src/domain/suppressions/suppression-key.js')),
    ...(await import('../src/engine/changes/log/logged-record.js')),
    ...(await import('../src/engine/changes/log/logged-types.js')),
    ...(await import('../src/engine/pace/bulk-work.js')),
    ...(await import('../src/engine/sealing/data-key.js')),
    ...(await import('../src/record-types.js')),
    privacy: await import('../src/domain/privacy/export-personal-data.js'),
  };
  const service = await modules.ReferringService.start();
  vi.resetModules();
  return { ...modules, service };
}
