import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Any } from '@rapport/contracts/google/protobuf/any';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import type { DownloadFileRequest } from '@rapport/contracts/rapport/content/v1/files_service';
import { AppError, currentCaller } from '@rapport/platform';
import { isHiding } from '../../engine/fields/hidden-data.js';
import { contentIdOf, File } from '../../engine/files/file.entity.js';
import type { FileStore, StoredBytes } from '../../engine/files/file-store.js';
import { keyOfFile } from '../../engine/files/sealed-files.js';
import { byteRange } from './byte-range.js';
import { fileMessage } from './file-message.js';
import { attachment } from './file-name.js';
import { shownFile } from './read-files.js';

/**
 * Handles DownloadFile, one piece at a time. It holds no connection while the reader consumes a piece.
 *
 * @throws AppError NOT_FOUND
 * @throws AppError OUT_OF_RANGE RANGE_NOT_SATISFIABLE
 * @throws AppError PERMISSION_DENIED to a caller from whom personal data is hidden
 */
export async function* downloadFile(
  em: EntityManager,
  store: FileStore,
  { id, range, ifRange }: DownloadFileRequest,
): AsyncGenerator<HttpBody, void> {
  if (isHiding()) {
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', 'Personal data is hidden from this caller.');
  }
  const { name, contentType, sizeBytes, sha256 } = await fileMessage(await shownFile(em, id, 'read'));
  const etag = `"${sha256}"`;
  const part = ifRange === undefined || ifRange === etag ? byteRange(range, sizeBytes) : undefined;
  const { from, to } = part ?? { from: 0, to: sizeBytes };
  const extensions = Object.entries({
    'content-disposition': attachment(name),
    'accept-ranges': 'bytes',
    'content-length': String(to - from),
    etag,
    ...(part && { 'content-range': `bytes ${from}-${to - 1}/${sizeBytes}` }),
  }).map(header);
  yield { contentType, data: Buffer.alloc(0), extensions };
  for await (const data of store.read(em, () => bytesOf(em, id), { from, to })) {
    yield { contentType: '', data, extensions: [] };
  }
}

/** The current location of a file's bytes. Undefined when the file is deleted, or its key was destroyed. */
export async function bytesOf(em: EntityManager, id: string): Promise<StoredBytes | undefined> {
  const key = { tenantId: currentCaller().tenantId, id, deleteTime: null };
  const file = await em.findOne(File, key, { disableIdentityMap: true });
  const sealedBy = file && (await keyOfFile(file));
  return file && sealedBy !== null ? { contentId: contentIdOf(file), key: sealedBy } : undefined;
}

function header([name, value]: [string, string]): Any {
  const bytes = HttpHeader.encode({ name, value }).finish();
  return { typeUrl: 'type.googleapis.com/rapport.api.v1.HttpHeader', value: Buffer.from(bytes) };
}
