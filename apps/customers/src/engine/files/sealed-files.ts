import type { EntityManager } from '@mikro-orm/postgresql';
import { FilesServiceService, type File as FileMessage } from '@rapport/contracts/rapport/content/v1/files_service';
import { queryRows, transactionPipeline, type Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { isSealed, type DataKey } from '../sealing/data-key.js';
import { currentSeal } from '../sealing/seal.js';
import { openRecords, sealMissing, storedPart, type SealedType } from '../sealing/sealed-messages.js';
import { methodDescriptor } from '../values/contract.js';

/** The personal data of a file, and of an upload. */
interface Personal {
  id: string;
  name: string;
  /** Absent for an upload without an announced hash. */
  sha256?: string | undefined;
}

/** As stored in a row. */
type StoredPersonal = Pick<Personal, 'id' | 'name'> & { sha256?: string | null | undefined };

/** A file is the subject of its data, so that nothing has to be sealed anew when it gets another record (ADR 0032). */
const sealedFile: SealedType<Personal> = {
  message: methodDescriptor(FilesServiceService.getFile.path).output,
  subjectOf: ({ id }) => id,
};

/** Name and hash of a file ready to store: encrypted when the tenant encrypts. */
export async function storedPersonal<Part extends Omit<Personal, 'id'>>(id: string, personal: Part): Promise<Part> {
  await currentSeal()?.prepare([id]);
  return storedPart(sealedFile, id, personal);
}

/**
 * Decrypts names and hashes of stored files or uploads. They are `***` when their keys were destroyed.
 *
 * @throws AppError ABORTED when they are encrypted, and the call began before the encryption was enabled
 */
export async function openFiles(stored: readonly StoredPersonal[]): Promise<Personal[]> {
  const seal = currentSeal();
  if (!seal && stored.some(({ name }) => isSealed(name))) throw sealMissing();
  const files = stored.map(({ id, name, sha256 }): Personal => ({ id, name, ...(sha256 && { sha256 }) }));
  return seal ? openRecords(seal, sealedFile, files) : files;
}

/** `openFiles` for one file. */
export async function openFile(stored: StoredPersonal): Promise<Personal> {
  const [opened] = await openFiles([stored]);
  return opened!;
}

/**
 * The key of a file or an upload: undefined when it is not encrypted, null when the key was destroyed. @param name as
 * stored
 */
export async function keyOfFile({ name }: Pick<FileMessage, 'name'>): Promise<DataKey | null | undefined> {
  if (!isSealed(name)) return undefined;
  const seal = currentSeal();
  if (!seal) throw sealMissing();
  await seal.load([name]);
  return seal.keyOf(name);
}

/**
 * Encrypts names and hashes of unencrypted files. Runs in a transaction.
 *
 * @param selection selects id, name and sha256 of files, locked
 * @returns the ids of all selected files
 */
export async function sealFiles(em: EntityManager, selection: Statement): Promise<string[]> {
  const { tenantId } = currentCaller();
  const files = await queryRows<Personal>(em, selection);
  const plain = files.filter(({ name }) => !isSealed(name));
  await currentSeal()?.prepare(plain.map(({ id }) => id));
  const sealed = plain.map(({ id, name, sha256 }) => ({ id, ...storedPart(sealedFile, id, { name, sha256 }) }));
  if (sealed.length > 0) await transactionPipeline(em, [putPersonal(tenantId, sealed)]);
  return files.map(({ id }) => id);
}

function putPersonal(tenantId: string, sealed: readonly Personal[]): Statement {
  return {
    name: 'seal_files',
    sql: `update file set name = sealed.name, sha256 = sealed.sha256
      from jsonb_to_recordset($2) as sealed (id uuid, name text, sha256 text)
      where file.tenant_id = $1 and file.id = sealed.id`,
    values: [tenantId, JSON.stringify(sealed)],
  };
}
