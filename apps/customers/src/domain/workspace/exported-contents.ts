import type { EntityManager } from '@mikro-orm/postgresql';
import type { StoredBytes } from '../../engine/files/file-store.js';
import { keyOfFile, openFiles } from '../../engine/files/sealed-files.js';
import { DataRemoved } from './archive/sealed-rows.js';

/** Rows per read. */
const batchSize = 200;

/** The bytes of files in an export. */
interface ExportedContent {
  sha256: string;
  contentId: string;
  sizeBytes: number;
  stored: StoredBytes;
}

/** With a file that has the bytes: the only one if they are encrypted. */
interface ContentRow {
  contentId: string;
  sizeBytes: number;
  id: string;
  name: string;
  sha256: string;
}

/** The bytes of a tenant's files, in the order of their content ids. @throws DataRemoved */
export async function* exportedContents(reader: EntityManager, tenantId: string): AsyncGenerator<ExportedContent> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const rows = await reader.execute<ContentRow[]>(
      `select content.content_id as "contentId", content.size_bytes as "sizeBytes", file.id, file.name, file.sha256
       from file_content content cross join lateral (
         select id, name, sha256 from file
         where file.tenant_id = content.tenant_id and file.content_id = content.content_id limit 1
       ) file
       where content.tenant_id = ? and content.content_id > ? order by content.content_id limit ${batchSize}`,
      [tenantId, after],
    );
    const files = await openFiles(rows);
    for (const [index, row] of rows.entries()) yield await contentOf(row, files[index]?.sha256);
    after = rows.at(-1)?.contentId ?? after;
    if (rows.length < batchSize) return;
  }
}

async function contentOf(row: ContentRow, sha256 = ''): Promise<ExportedContent> {
  const { contentId, sizeBytes } = row;
  const key = await keyOfFile(row);
  if (key === null) throw new DataRemoved();
  return { sha256, contentId, sizeBytes, stored: { contentId, key } };
}
