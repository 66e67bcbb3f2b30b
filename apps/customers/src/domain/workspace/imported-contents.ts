import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import type { StoredBytes } from '../../engine/files/file-store.js';
import { keyOfFile, openFile } from '../../engine/files/sealed-files.js';
import { archiveInvalid } from './archive/archive-error.js';
import { contentsFolder, readContentName } from './archive/section.js';

/** A file whose bytes are to be encrypted, and where to store them. */
interface FileToSeal {
  id: string;
  bytes: StoredBytes;
  /** Whether it is the last file that has them. The others get copies. */
  isLast: boolean;
}

/** The hash and the content id of bytes in an archive. @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID */
export function contentNamed(name: string): { sha256: string; contentId: string } {
  const named = readContentName(name);
  if (!named) throw archiveInvalid(`This release does not know ${name}.`);
  return named;
}

/** Whether bytes with this hash are stored, unencrypted. */
export async function hasContent(em: EntityManager, sha256: string): Promise<boolean> {
  const found = await queryRows(em, {
    name: 'has_content',
    sql: 'select 1 from file_content where tenant_id = $1 and sha256 = $2',
    values: [currentCaller().tenantId, sha256],
  });
  return found.length > 0;
}

/** @param sha256 absent for encrypted bytes */
export async function putContent(
  em: EntityManager,
  { contentId, sha256, sizeBytes }: { contentId: string; sha256?: string; sizeBytes: number },
): Promise<void> {
  await transactionPipeline(em, [
    {
      name: 'put_imported_content',
      sql: 'insert into file_content (tenant_id, content_id, sha256, size_bytes) values ($1, $2, $3, $4)',
      values: [currentCaller().tenantId, contentId, sha256 ?? null, sizeBytes],
    },
  ]);
}

/** The next file that has the bytes. @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID */
export async function fileToSeal(
  em: EntityManager,
  { sha256, contentId }: { sha256: string; contentId: string },
): Promise<FileToSeal> {
  const [file, other] = await queryRows<{ id: string; name: string; sha256: string }>(em, {
    name: 'file_to_seal',
    // The file whose upload stored the bytes keeps their id.
    sql: `select id, name, sha256 from file where tenant_id = $1 and content_id = $2 order by id = content_id, id limit 2`,
    values: [currentCaller().tenantId, contentId],
  });
  if (!file) throw archiveInvalid(`No file has the bytes of ${contentsFolder}/${sha256}.`);
  if ((await openFile(file)).sha256 !== sha256) {
    throw archiveInvalid(`The hash of the file ${file.id} is not that of its bytes.`);
  }
  const isLast = other === undefined;
  const key = (await keyOfFile(file)) ?? undefined;
  return { id: file.id, bytes: { contentId: isLast ? contentId : file.id, key }, isLast };
}

/** Makes the stored copy the bytes of a file. */
export async function splitContent(em: EntityManager, { id, bytes }: FileToSeal, sizeBytes: number): Promise<void> {
  const { contentId } = bytes;
  await putContent(em, { contentId, sizeBytes });
  await transactionPipeline(em, [
    {
      name: 'split_content',
      sql: 'update file set content_id = $3 where tenant_id = $1 and id = $2',
      values: [currentCaller().tenantId, id, contentId],
    },
  ]);
}
