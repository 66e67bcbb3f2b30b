import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { HttpHeader } from '@rapport/contracts/rapport/api/v1/http_header';
import { recordAuditEvent } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { found } from '../../engine/operations/operation-message.js';
import { readOperation } from '../../engine/operations/read-operation.js';
import { ArchivePieces } from './archive/archive-pieces.js';
import { refuseHiding } from './create-operations.js';
import type { ExportProgress } from './export-workspace.js';

/**
 * Handles DownloadWorkspaceExport, one piece at a time. It holds no connection while the reader consumes a piece.
 *
 * @throws AppError NOT_FOUND
 * @throws AppError FAILED_PRECONDITION ARCHIVE_MISSING, ARCHIVE_ERASED when an erasure destroys it meanwhile
 */
export async function* downloadExport(em: EntityManager, id: string): AsyncGenerator<HttpBody, void> {
  refuseHiding();
  const operation = await readOperation(em, id);
  const { kind, state, rules } = operation;
  if (kind !== 'WORKSPACE_EXPORT') found(null);
  const { sizeBytes, expireTime = '' } = rules as ExportProgress;
  if (state !== 'SUCCEEDED' || !(Date.parse(expireTime) > Date.now())) {
    const message = 'The export has not succeeded, or its archive has expired or was erased.';
    throw new AppError('FAILED_PRECONDITION', 'ARCHIVE_MISSING', message, { metadata: { state } });
  }
  await recordAuditEvent(em, { kind: 'EXPORT', detail: { of: 'workspace', download: true, operationId: id } });
  yield { contentType: 'application/x-tar', data: Buffer.alloc(0), extensions: [attachment(id)] };
  for (let place = 0; place < sizeBytes;) {
    const piece = await ArchivePieces.pieceAt(em, id, place);
    if (piece?.start !== place) throw new AppError('ABORTED', 'ARCHIVE_MISSING', 'The archive was removed meanwhile.');
    yield { contentType: '', data: piece.data, extensions: [] };
    place += piece.data.length;
  }
}

function attachment(id: string) {
  const header = { name: 'content-disposition', value: `attachment; filename="workspace-${id}.tar"` };
  const value = Buffer.from(HttpHeader.encode(header).finish());
  return { typeUrl: 'type.googleapis.com/rapport.api.v1.HttpHeader', value };
}
