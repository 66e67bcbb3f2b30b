import { filterError, parseFilter, restrictionsOf } from '@rapport/contracts/filters';
import { AppError, invalidArgument } from '@rapport/platform';

/** What of a segment names other segments. */
export interface SegmentContent {
  filter?: string | undefined;
  excludeSegmentIds: readonly string[];
}

/**
 * The segments whose members decide about those of a segment.
 *
 * @throws AppError INVALID_ARGUMENT for a condition on memberships of any segment: it would be about the segment itself too
 */
export function namedSegments({ filter = '', excludeSegmentIds }: SegmentContent): string[] {
  const tree = parseFilter(filter);
  const named = (tree ? restrictionsOf(tree) : []).flatMap(({ field, fieldIndex, values }) => {
    if (field.split('.')[0] !== 'segmentMembers') return [];
    if (field !== 'segmentMembers.segmentId') {
      throw filterError(
        'FILTER_FIELD_UNKNOWN',
        filter,
        fieldIndex,
        `of memberships, only segmentMembers.segmentId is compared`,
      );
    }
    const any = values.find(({ text }) => text === '');
    if (any) throw filterError('FILTER_VALUE_INVALID', filter, any.index, `${field} must be the id of a segment`);
    return values.map(({ text }) => text.toLowerCase());
  });
  return [...new Set([...named, ...excludeSegmentIds.map((id) => id.toLowerCase())])];
}

/** Whether a segment names itself through others. @param contents of the live segments by id */
export function isCyclic(id: string, contents: ReadonlyMap<string, SegmentContent>): boolean {
  const seen = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const content = contents.get(next);
    for (const named of content ? namedSegments(content) : []) {
      if (named === id) return true;
      if (seen.has(named)) continue;
      seen.add(named);
      open.push(named);
    }
  }
  return false;
}

/** Checks a filter that is a field of a message of the request. @param message its name in requests */
export async function checkedIn<Result>(message: string, check: () => Promise<Result>): Promise<Result> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'INVALID_ARGUMENT') throw error;
    throw invalidArgument(error.violations.map((each) => ({ ...each, field: `${message}.${each.field}` })));
  }
}
