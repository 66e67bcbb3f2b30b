import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConnectorError } from '../../connectors/connector-error.js';
import { FolderFiles, type FileStore } from '../../connectors/files/file-store.js';
import { outgoingFetch, outgoingHost } from '../../outgoing-http/outgoing-fetch.js';
import type { OutgoingHttp } from '../../outgoing-http/outgoing-http.js';
import type { EnvironmentOf } from './open-connection.js';

/** @param filesDir directory with a folder per tenant; empty when connections have no files */
export function connectorEnvironment(http: OutgoingHttp, filesDir: string): EnvironmentOf {
  const fetch = outgoingFetch(http);
  return (tenantId) => ({
    fetch,
    resolveHost: (host, signal) => outgoingHost(http, host, signal),
    files: filesDir === '' ? noFiles : tenantFiles(filesDir, tenantId),
  });
}

function tenantFiles(filesDir: string, tenantId: string): FileStore {
  const folder = join(filesDir, tenantId);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return new FolderFiles(folder);
}

const refuse = (): never => {
  throw new ConnectorError('UNSUPPORTED', 'This installation has no files for connections.');
};
const noFiles: FileStore = { version: refuse, read: refuse, list: refuse, create: refuse };
