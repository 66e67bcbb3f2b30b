import { AppError, invalidArgument } from '@rapport/platform';

/**
 * Does work on a part of a request: violations name their fields within the request.
 *
 * @param places of fields by their prefixes, such as `qualification.deal` by `deal`, of whole names: the longest prefix of a field counts
 */
export async function within<Result>(
  places: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.violations.length === 0) throw error;
    const violations = error.violations.map(({ field, ...rest }) => ({ field: placed(field, places), ...rest }));
    if (error.code === 'INVALID_ARGUMENT') throw invalidArgument(violations);
    const { metadata } = error;
    throw new AppError(error.code, error.reason, error.message, { violations, metadata, cause: error });
  }
}

function placed(field: string, places: Readonly<Record<string, string>>): string {
  const found = Object.keys(places)
    .filter((prefix) => field.startsWith(prefix) && /^(?:$|[.[])/.test(field.slice(prefix.length)))
    .toSorted((one, other) => other.length - one.length)[0];
  return found === undefined ? field : `${places[found]}${field.slice(found.length)}`;
}
