import { AppError } from '@rapport/platform';
import { isSealed } from './data-key.js';
import { newOwnKey, ownKey } from './own-key.js';
import { currentSeal } from './seal.js';
import { sealMissing } from './sealed-messages.js';

/** An operation, whose report can quote a file. */
export interface ReportedOperation {
  /** Whether its report is encrypted. */
  sealed: boolean;
  /** The subject of the key that encrypts its report; absent when there is none yet, or an erasure destroyed it. */
  keySubject?: string | null | undefined;
}

/** Changes a text of a report. */
type ChangeText = (text: string) => string;

const same: ChangeText = (text) => text;

/**
 * Encrypts the texts of a report, unless it is not encrypted. Sets the key of the operation if it has none.
 *
 * @param operation locked
 */
export async function reportSealer(operation: ReportedOperation): Promise<ChangeText> {
  if (!operation.sealed) return same;
  const own = operation.keySubject ? await ownKey(operation.keySubject) : await newOwnKey();
  if (!own) throw sealMissing();
  operation.keySubject = own.subject;
  return (text) => own.key.seal(text);
}

/** An error whose message may quote the file, with an encrypted message. */
export async function sealError(operation: ReportedOperation, error: AppError): Promise<AppError> {
  if (!operation.sealed) return error;
  const own = operation.keySubject ? await ownKey(operation.keySubject) : undefined;
  const { code, reason, violations, metadata } = error;
  const message = own ? own.key.seal(error.message) : 'Erased.';
  return new AppError(code, reason, message, { violations, metadata, cause: error });
}

/** Decrypts texts of encrypted reports. They are `***` when their key was destroyed. @param texts all that will be decrypted */
export async function reportOpener(texts: readonly string[]): Promise<ChangeText> {
  const sealed = texts.filter(isSealed);
  if (sealed.length === 0) return same;
  const seal = currentSeal();
  if (!seal) throw sealMissing();
  await seal.load(sealed);
  return (text) => (isSealed(text) ? seal.openText(text) : text);
}
