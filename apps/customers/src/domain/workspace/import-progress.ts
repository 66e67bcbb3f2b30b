import type { AppError } from '@rapport/platform';
import type { FileStore } from '../../engine/files/file-store.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import type { Sections } from './archive/section.js';

/** What imports are done with. */
export interface ImportSources {
  sections: Sections;
  files: FileStore;
  suppressionKey: SuppressionKey;
}

/** What an operation keeps of its archive, beside what callers see. */
export interface ImportProgress {
  sizeBytes: number;
  /** Where it goes on. Absent until the archive was found to be whole: nothing of it has been stored. */
  place?: LoadPlace;
  /** Why it fails, once all that it has stored is removed. */
  fault?: Pick<AppError, 'code' | 'reason' | 'message'>;
}

/** How far an import is. */
export interface LoadPlace {
  /** Where the header of the file begins. */
  offset: number;
  /** Lines of the file that are done, or bytes of it that are stored. */
  line: number;
  /** Rounds begin with 1. Later ones store the records that have waited for what they refer to; 0 is the last one. */
  round: number;
  /** Lines that this round has stored, and that wait. */
  stored: number;
  waiting: number;
  /** Whether all records are there, so that what belongs to them can be stored. */
  hasRecords?: boolean;
}
