import { AppError, invalidArgument } from '@rapport/platform';

/**
 * Does work on a part of a request: violations name their fields within the request.
 *
 * @param place from which prefix of the fields to which, such as `deal` and `qualification.deal`
 */
export async function within<Result>(
  place: { from: string; to: string },
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.violations.length === 0) throw error;
    const violations = error.violations.map(({ field, ...rest }) => ({
      field: field.startsWith(place.from) ? place.to + field.slice(place.from.length) : field,
      ...rest,
    }));
    if (error.code === 'INVALID_ARGUMENT') throw invalidArgument(violations);
    const { metadata } = error;
    throw new AppError(error.code, error.reason, error.message, { violations, metadata, cause: error });
  }
}
