import type { FileStore } from './files/file-store.js';

/** The only access of a connector to the outside. The host decides what is allowed. */
export interface ConnectorEnvironment {
  /** For HTTP. Refuses private addresses in production. */
  fetch: typeof globalThis.fetch;
  /**
   * For protocols other than HTTP: resolves a host name to the address to connect to. Resolved once, so that a later
   * change of DNS has no effect.
   *
   * @throws ConnectorError for a forbidden host
   */
  resolveHost: (host: string, signal: AbortSignal) => Promise<string>;
  /** The files that connections may read, and their directory for new ones. */
  files: FileStore;
}
