import { sentenceOf } from '../app/boundaries.tsx';
import { locale, t } from '../app/language.ts';
import { call, Problem } from '../contract/api.ts';
import { textAt } from '../contract/json.ts';
import { uploadParts } from '../contract/upload.ts';

/** A file on its way to a record. */
export interface Upload {
  file: File;
  /** Resource name of the record. */
  record: string;
  /** Of the upload and then of the file, once the server knows it. */
  id?: string;
  receivedBytes: number;
  /** Why it has stopped, in words. */
  fault?: string | undefined;
  isDone?: boolean;
}

/** Sends a file, or what the server lacks of it. What stops it is in its `fault`. */
export async function sendFile(upload: Upload, onChange: (upload: Upload) => void): Promise<void> {
  const { file, record } = upload;
  let sent: Upload = { ...upload, fault: undefined };
  const change = (part: Partial<Upload>) => {
    sent = { ...sent, ...part };
    onChange(sent);
  };
  change({});
  try {
    const { name, size: sizeBytes, type } = file;
    const body = { record, name, sizeBytes, contentType: type || undefined };
    const id = sent.id ?? textAt(await call('createFileUpload', {}, { body }), 'id');
    change({ id });
    const received = async () => Number((await call('getFileUpload', { id })).receivedBytes ?? 0);
    await uploadParts('uploadFile', id, file, received, (receivedBytes) => change({ receivedBytes }));
    change({ isDone: true });
  } catch (error) {
    change({ fault: faultOf(error) });
  }
}

/** Why the server refused a file, or that the upload was interrupted. */
export function faultOf(error: unknown): string {
  if (!(error instanceof Problem) || error.status === 0) return t('files.broken');
  return sentenceOf(error);
}

/** The part of a file that the server has, from 0 to 1. */
export function sentPart({ file, receivedBytes }: Upload): number {
  return file.size === 0 ? 1 : receivedBytes / file.size;
}

/** A size in the units of the language, such as `12 kB`. */
export function sizeText(bytes: number): string {
  const unit = bytes < 1_000_000 ? 'kilobyte' : 'megabyte';
  const value = bytes / (unit === 'kilobyte' ? 1_000 : 1_000_000);
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(
    value,
  );
}
