import type { FileStore } from './files/file-store.js';

/** What a connector reaches the world by. The host decides what is allowed: a connector opens nothing by itself. */
export interface ConnectorEnvironment {
  /** For HTTP. Refuses inner addresses in production. */
  fetch: typeof globalThis.fetch;
  /**
   * For everything that is not HTTP: the address to connect to for a host name, chosen once, so that the name can't lead
   * somewhere else a moment later.
   *
   * @throws ConnectorError when no connection to that host is allowed
   */
  resolveHost: (host: string, signal: AbortSignal) => Promise<string>;
  /** The files that connections may read, and where they may put new ones. */
  files: FileStore;
}
