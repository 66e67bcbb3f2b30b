// The folders of apps/sync/src and what each may import: oxlint.config.ts derives lint zones from it.

/** Lowest first. A file imports from its own folder and from those before it. */
export const folders: readonly string[] = [
  'migrations',
  'connectors',
  'outgoing-http',
  'storage',
  'webhooks',
  'exchange',
  'mail',
  'flows',
  'feed',
  'serve',
];
