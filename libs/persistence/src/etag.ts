import { AppError, invalidArgument } from '@rapport/platform';

/** The strong entity tag of a record's version: the number in double quotes (RFC 9110 section 8.8.3). */
export function formatEtag(version: number): string {
  return `"${version}"`;
}

/** The version in an entity tag of `formatEtag`. */
export function etagVersion(etag: string): number {
  return Number(etag.slice(1, -1));
}

const tag = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\uffff]*"`;
const tagList = new RegExp(String.raw`^[ \t]*(?:,[ \t]*)*${tag}(?:[ \t]*,(?:[ \t]*${tag})?)*[ \t]*$`, 'u');

/**
 * Refuses a change of a record that is not at the version that the caller read. Same meaning as If-Match (RFC 9110
 * section 13.1.1): one tag, a list of tags of which one must match, or `*`; a weak tag never matches.
 *
 * @param given the caller's tag; any version matches without one
 * @throws AppError ABORTED ETAG_MISMATCH, or INVALID_ARGUMENT when `given` is malformed
 */
export function checkEtag(given: string | undefined, version: number): void {
  if (given === undefined || given.trim() === '*') return;
  if (!tagList.test(given)) {
    throw invalidArgument([
      { field: 'etag', reason: 'ETAG_MALFORMED', description: 'must be an entity tag in double quotes, such as "3"' },
    ]);
  }
  const tags: readonly string[] = given.match(new RegExp(tag, 'gu')) ?? [];
  if (tags.includes(formatEtag(version))) return;
  throw new AppError('ABORTED', 'ETAG_MISMATCH', 'The record was changed since you read it. Read it again.');
}
