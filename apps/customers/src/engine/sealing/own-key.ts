import { v7 as uuidv7 } from 'uuid';
import type { DataKey } from './data-key.js';
import { currentSeal } from './seal.js';
import { sealMissing } from './sealed-messages.js';

/** The key of stored data that is not about one record, such as an archive. */
export interface OwnKey {
  /** As in `subject_key`. */
  subject: string;
  key: DataKey;
}

/** Creates a key; undefined for a workspace that is not encrypted. */
export async function newOwnKey(): Promise<OwnKey | undefined> {
  const seal = currentSeal();
  if (!seal) return undefined;
  const subject = uuidv7();
  await seal.prepare([subject]);
  return ownKey(subject);
}

/**
 * The key of stored data; undefined when it was destroyed.
 *
 * @throws AppError ABORTED when the call began before the encryption was enabled
 */
export async function ownKey(subject: string): Promise<OwnKey | undefined> {
  const seal = currentSeal();
  if (!seal) throw sealMissing();
  const key = await seal.currentKey(subject);
  return key && { subject, key };
}
