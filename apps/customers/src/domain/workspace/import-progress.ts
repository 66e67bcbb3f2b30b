import type { AppError } from '@rapport/platform';
import type { FileStore } from '../../engine/files/file-store.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import type { Sections } from './archive/section.js';

/** The dependencies of an import. */
export interface ImportSources {
  sections: Sections;
  files: FileStore;
  suppressionKey: SuppressionKey;
}

/** Internal state of an operation's archive, not shown to callers. */
export interface ImportProgress {
  sizeBytes: number;
  /** The position to resume from. Absent until the archive is verified: nothing of it has been stored. */
  place?: LoadPosition;
  /** The error of a failed import, reported after everything it stored is removed. */
  fault?: Pick<AppError, 'code' | 'reason' | 'message'>;
}

/** The position of an import. */
export interface LoadPosition {
  /** Offset of the header of the file. */
  offset: number;
  /** Completed lines of the file, or stored bytes of it. */
  line: number;
  /** The file of a record whose bytes are being encrypted. */
  fileId?: string;
  /** Rounds start with 1. Later rounds store records that waited for their references; 0 is the last one. */
  round: number;
  /** Stored and waiting lines of this round. */
  stored: number;
  waiting: number;
  /** Whether all records are stored, so that their dependents can follow. */
  hasRecords?: boolean;
  /** Whether everything but the bytes of encrypted files is stored. Bytes are encrypted with the keys of their files, so they are last. */
  hasRows?: boolean;
}
