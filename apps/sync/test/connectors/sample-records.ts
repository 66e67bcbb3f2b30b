import { join } from 'node:path';
import { expect } from 'vitest';
import { fileConnector } from '../../src/connectors/files/file-connector.js';
import { FolderFiles } from '../../src/connectors/files/file-store.js';
import type { PeerRecord, RecordIssue } from '../../src/connectors/peer-record.js';
import { collect } from './conformance-run.js';

const { signal } = new AbortController();

/** The samples, in `vcards/`, were written by real programs. What is expected here was read off them by eye. */
export async function sampleRecords(file: string): Promise<PeerRecord[]> {
  const environment = {
    fetch,
    resolveHost: async (host: string) => host,
    files: new FolderFiles(join(import.meta.dirname, 'vcards')),
  };
  const pages = await collect(
    fileConnector.connect({ file, format: 'VCARD' }, environment).read({ recordType: 'record', signal }),
  );
  const items = pages.flatMap((page) => page.items);
  expect(items.map(({ kind }) => kind)).toEqual(items.map(() => 'RECORD'));
  return items.flatMap((item) => (item.kind === 'RECORD' ? [item.record] : []));
}

/** Apart from ids that are made of content, which is said of every card without UID. */
export function issues(record: PeerRecord | undefined): [number | undefined, string][] {
  return (record?.issues ?? [])
    .filter(({ reason }: RecordIssue) => reason !== 'ID_FROM_CONTENT')
    .map(({ line, reason }) => [line, reason]);
}
