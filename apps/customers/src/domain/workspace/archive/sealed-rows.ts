import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { validate as isUuid } from 'uuid';
import type { StoredValues } from '../../../engine/changes/log/stored-values.js';
import { storedPersonal } from '../../../engine/files/sealed-files.js';
import { storedUndo, type MergeUndo } from '../../../engine/merge/merge-undo.js';
import { currentSeal, type Seal } from '../../../engine/sealing/seal.js';
import { archiveInvalid } from './archive-error.js';

/** Converts valid rows of an archive to rows to store: encrypted when the workspace encrypts. */
type StoringRows = (em: EntityManager, rows: readonly StoredValues[]) => Promise<readonly StoredValues[]>;

/** The tables with encrypted columns. */
export const sealedRows: Readonly<Record<string, StoringRows>> = {
  consent: (_, rows) => sealed('rows/consent', rows, sealedConsent),
  customer_merge: (_, rows) => sealed('rows/customer_merge', rows, sealedMerge),
  file: (em, rows) => (currentSeal() ? sealedFiles(rows) : sharingFiles(em, rows)),
};

/** Thrown when the key of exported data was destroyed: the data has been removed since the snapshot. */
export class DataRemoved extends Error {}

/** Loads the keys that open exported texts. @throws DataRemoved */
export async function loadKeys(seal: Seal, sealedTexts: readonly string[]): Promise<void> {
  await seal.load(sealedTexts);
  if (sealedTexts.some((text) => seal.isDestroyed(text))) throw new DataRemoved();
}

/**
 * Prepares the keys that seal imported data, unless the workspace is not encrypted.
 *
 * @param name of the section
 * @throws AppError INVALID_ARGUMENT ARCHIVE_INVALID for a subject that is not an id
 */
export async function prepareSubjects(name: string, subjects: readonly unknown[]): Promise<void> {
  const seal = currentSeal();
  if (!seal) return;
  const ids = subjects.filter((subject): subject is string => isUuid(subject));
  if (ids.length < subjects.length) throw archiveInvalid(`${name} has an id that is not a UUID.`);
  await seal.prepareAnew(ids);
}

/** Seals rows of data about customers. */
async function sealed(
  name: string,
  rows: readonly StoredValues[],
  sealRow: (seal: Seal, customerId: string, row: StoredValues) => StoredValues,
): Promise<readonly StoredValues[]> {
  const seal = currentSeal();
  if (!seal) return rows;
  const subjects = rows.map((row) => row['customer_id']);
  await prepareSubjects(name, subjects);
  return rows.map((row) => sealRow(seal, row['customer_id'] as string, row));
}

function sealedConsent(seal: Seal, customerId: string, row: StoredValues): StoredValues {
  const { evidence } = row;
  return typeof evidence === 'string' ? { ...row, evidence: seal.sealText(customerId, evidence) } : row;
}

function sealedMerge(_: Seal, customerId: string, row: StoredValues): StoredValues {
  const { undo } = row;
  try {
    return { ...row, undo: storedUndo(customerId, undo as MergeUndo) };
  } catch (cause) {
    throw archiveInvalid('rows/customer_merge has data that does not undo a merge.', cause);
  }
}

async function sealedFiles(rows: readonly StoredValues[]): Promise<readonly StoredValues[]> {
  await prepareSubjects(
    'rows/file',
    rows.map(({ id }) => id),
  );
  const stored: StoredValues[] = [];
  for (const { name, sha256, ...row } of rows) {
    const personal = { name: name as string, sha256: sha256 as string };
    stored.push({ ...row, ...(await storedPersonal(row['id'] as string, personal)) });
  }
  return stored;
}

/** Files of an encrypted workspace do not share bytes; those of the same hash share them from now on. */
async function sharingFiles(em: EntityManager, rows: readonly StoredValues[]): Promise<readonly StoredValues[]> {
  const contents = await queryRows<{ sha256: string; contentId: string }>(em, {
    name: 'contents_by_hash',
    sql: 'select sha256, content_id as "contentId" from file_content where tenant_id = $1 and sha256 = any ($2::text[])',
    values: [currentCaller().tenantId, [...new Set(rows.map(({ sha256 }) => sha256))]],
  });
  const ids = new Map(contents.map(({ sha256, contentId }): [unknown, string] => [sha256, contentId]));
  return rows.map((row) => {
    const contentId = ids.get(row['sha256']);
    if (contentId === undefined) throw archiveInvalid(`The archive does not have the bytes of a file in rows/file.`);
    return { ...row, content_id: contentId };
  });
}
