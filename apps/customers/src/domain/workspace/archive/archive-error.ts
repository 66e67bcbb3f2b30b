import { AppError } from '@rapport/platform';

/** INVALID_ARGUMENT ARCHIVE_INVALID. @param why a sentence that names the part of the archive */
export function archiveInvalid(why: string, cause?: unknown): AppError {
  const message = `The archive can not be imported. ${why}`;
  return new AppError('INVALID_ARGUMENT', 'ARCHIVE_INVALID', message, { cause });
}

/** FAILED_PRECONDITION ARCHIVE_ERASED. */
export function archiveErased(): AppError {
  const message = 'An erasure of personal data meanwhile destroyed the stored archive.';
  return new AppError('FAILED_PRECONDITION', 'ARCHIVE_ERASED', message);
}

// 22xxx data exceptions, 23xxx integrity constraint violations, 42501 rows that policies refuse, 54xxx values that are
// too large for an index. RP001: a trigger refused a row.
const faults = /^(22...|23...|42501|54...|RP001)$/;

/**
 * Runs a step of an import. A value that the database refuses is a fault of the archive. @param part such as
 * `records/deal/000001.ndjson`
 */
export async function blamingArchive<Result>(part: string, step: () => Promise<Result>): Promise<Result> {
  try {
    return await step();
  } catch (error) {
    const { code, constraint } = error as { code?: unknown; constraint?: unknown };
    const isFault = error instanceof Error && typeof code === 'string' && faults.test(code);
    if (!isFault || error instanceof AppError) throw error;
    const what = typeof constraint === 'string' ? ` (${constraint})` : '';
    throw archiveInvalid(
      `${part} has an invalid value, a duplicate record or a record with a missing reference${what}.`,
    );
  }
}
