import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, transactionPipeline } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { eraseChanges } from '../changes/erasure/erasure-statements.js';
import { pieceAt, putPiece, type StoredBytes } from '../files/file-store.js';
import { lockContents, removeUnused } from '../files/remove-files.js';
import { keyOfFile, sealFiles } from '../files/sealed-files.js';
import { doStep } from '../operations/checkpoint.js';
import { enqueue } from '../operations/operation-jobs.js';
import { batchSize, doneUpTo, lastDone, type EncryptionWork } from './encryption-work.js';

/** Most pieces of 256 KiB that one transaction encrypts: `alone`, or `beside` other calls. */
const piecesPerStep = { alone: 16, beside: 4 };

/** Values of `tenant_encryption.done_table` while names and hashes are encrypted, and while bytes are. */
const names = 'file';
const contents = 'file_content';

/** A file to encrypt, and its unencrypted bytes. */
interface PlainFile {
  id: string;
  name: string;
  content_id: string;
  size_bytes: number;
  /** The file whose bytes are partly encrypted, and the content id of the encrypted copy. */
  done_id: string;
  copy_id: string | null;
}

/** Deletes uploads that began before the encryption. Comes first: they can't be completed any more. */
export async function deletePlainUploads({ em, job, checkpoint, pace }: EncryptionWork): Promise<void> {
  await pace.keep(() =>
    doStep(em, job, checkpoint, async (transaction) => {
      // At most 100 per step.
      const uploads = await queryRows<{ id: string }>(transaction, {
        name: 'delete_plain_uploads',
        sql: 'delete from file_upload where tenant_id = $1 and not starts_with(name, chr(1)) returning id',
        values: [job.tenantId],
      });
      for (const { id } of uploads) await enqueue(transaction, { id, tenantId: job.tenantId });
    }),
  );
}

/** Whether the checkpoint of an encryption is in the files phase. @param doneTable as in `tenant_encryption` */
export function isOfFiles(doneTable: string | undefined): boolean {
  return doneTable === names || doneTable === contents;
}

/**
 * Encrypts the files of the tenant, each with a key of its own, and removes the unencrypted bytes. It resumes after the
 * last encrypted file or piece.
 *
 * @param doneTable the checkpoint, as in `tenant_encryption`
 * @param since the latest time at which unencrypted files may have been completed
 */
export async function encryptFiles(work: EncryptionWork, doneTable: string | undefined, since: Date): Promise<void> {
  if (doneTable !== contents) await sealNames(work, since);
  await sealContents(work);
  await removePlainPieces(work);
}

/**
 * Encrypts names and hashes, and removes the values from the log. Includes files that a write has encrypted meanwhile.
 */
async function sealNames({ em, job, checkpoint, pace, signal }: EncryptionWork, since: Date): Promise<void> {
  for (let isDone = false; !isDone && !signal.aborted;) {
    const limit = pace.step(batchSize.alone, batchSize.beside);
    const sealed = await pace.keep(() =>
      doStep(em, job, checkpoint, async (transaction, operation) => {
        const ids = await sealFiles(transaction, {
          name: 'file_names_to_seal',
          sql: `select id, name, sha256 from file
            where tenant_id = $1 and create_time <= $2 and id > ${lastDone(names)} order by id limit $3 for update of file`,
          values: [job.tenantId, since, limit],
        });
        const { counts } = operation;
        operation.counts = { ...counts, rows: counts.rows + ids.length, updated: counts.updated + ids.length };
        operation.startTime ??= new Date();
        await transaction.flush();
        // Last, since it blocks the sequencer until the commit.
        const last = ids.at(-1);
        if (last !== undefined) await transactionPipeline(transaction, [doneUpTo(names, last), eraseChanges(ids)]);
        return ids.length;
      }),
    );
    checkpoint.done += sealed;
    isDone = sealed < limit;
  }
}

/**
 * Replaces the unencrypted bytes of each file by an encrypted copy. Files that shared bytes get copies of their own.
 */
async function sealContents({ em, job, checkpoint, pace, signal }: EncryptionWork): Promise<void> {
  for (let isDone = false; !isDone && !signal.aborted;) {
    const pieces = pace.step(piecesPerStep.alone, piecesPerStep.beside);
    isDone = await pace.keep(() =>
      doStep(em, job, checkpoint, async (transaction) => {
        const file = await plainFile(transaction);
        if (file) await sealPieces(transaction, file, pieces);
        return !file;
      }),
    );
  }
}

/** The first file with unencrypted bytes. */
async function plainFile(em: EntityManager): Promise<PlainFile | undefined> {
  const [file] = await queryRows<PlainFile>(em, {
    name: 'file_bytes_to_seal',
    sql: `select file.id, file.name, file.content_id, file.size_bytes, encryption.done_id, encryption.copy_id
      from tenant_encryption encryption
      join file on file.tenant_id = encryption.tenant_id and file.id >= ${lastDone(contents)}
      join file_content content on content.tenant_id = file.tenant_id and content.content_id = file.content_id
      where encryption.tenant_id = $1 and content.sha256 is not null
      order by file.id limit 1`,
    values: [currentCaller().tenantId],
  });
  return file;
}

/** Encrypts the next pieces of a file, and with the last of them makes the copy the bytes of the file. */
async function sealPieces(em: EntityManager, file: PlainFile, most: number): Promise<void> {
  const { id, size_bytes: size } = file;
  const key = await keyOfFile(file);
  if (!key) throw new Error(`File ${id} has no key.`);
  const isBegun = file.copy_id !== null && file.done_id === id;
  // The file was removed before its copy was complete.
  if (!isBegun && file.copy_id !== null) await removeCopy(em, file.copy_id);
  const copy = { contentId: isBegun && file.copy_id !== null ? file.copy_id : uuidv7(), key };
  let place = isBegun ? await sealedBytes(em, copy, size) : 0;
  for (let count = 0; count < most && place < size; count += 1) {
    const piece = await pieceAt(em, { contentId: file.content_id }, place);
    if (piece?.start !== place) throw new Error(`The bytes of file ${id} are incomplete.`);
    await putPiece(em, copy, place, piece.data);
    place += piece.data.length;
  }
  const isWhole = place === size;
  if (isWhole) await putInPlace(em, file, copy.contentId);
  await transactionPipeline(em, [doneUpTo(contents, id, isWhole ? null : copy.contentId)]);
}

/** Number of encrypted bytes of a copy. */
async function sealedBytes(em: EntityManager, copy: StoredBytes, size: number): Promise<number> {
  const last = await pieceAt(em, copy, size);
  return last ? last.start + last.data.length : 0;
}

async function putInPlace(em: EntityManager, { id, content_id, size_bytes }: PlainFile, copyId: string): Promise<void> {
  const { tenantId } = currentCaller();
  await lockContents(em);
  const living = await queryRows<{ id: string }>(em, {
    name: 'file_sealed_whole',
    sql: 'select id from file where tenant_id = $1 and id = $2 for update',
    values: [tenantId, id],
  });
  if (living.length === 0) return removeCopy(em, copyId);
  await transactionPipeline(em, [
    {
      name: 'put_sealed_content',
      sql: 'insert into file_content (tenant_id, content_id, size_bytes) values ($1, $2, $3)',
      values: [tenantId, copyId, size_bytes],
    },
    {
      name: 'put_sealed_bytes',
      sql: 'update file set content_id = $3 where tenant_id = $1 and id = $2',
      values: [tenantId, id, copyId],
    },
  ]);
  await removeUnused(em, [content_id]);
}

function removeCopy(em: EntityManager, copyId: string): Promise<void> {
  return enqueue(em, { id: copyId, tenantId: currentCaller().tenantId });
}

/** Jobs that remove bytes wait while an operation of the tenant runs, so it removes the unencrypted ones itself. */
async function removePlainPieces({ em, job, pace, signal }: EncryptionWork): Promise<void> {
  for (let contentId = await plainContent(em, job.tenantId); contentId !== undefined && !signal.aborted;) {
    const removed = await pace.keep(() =>
      em.execute<unknown[]>(
        `delete from file_piece where ctid = any (array(
           select ctid from file_piece where tenant_id = ? and content_id = ? and not sealed limit 32))
         returning 1`,
        [job.tenantId, contentId],
      ),
    );
    if (removed.length === 0) contentId = await plainContent(em, job.tenantId);
  }
}

async function plainContent(em: EntityManager, tenantId: string): Promise<string | undefined> {
  const [piece] = await em.execute<{ content_id: string }[]>(
    'select content_id from file_piece where tenant_id = ? and not sealed limit 1',
    [tenantId],
  );
  return piece?.content_id;
}
