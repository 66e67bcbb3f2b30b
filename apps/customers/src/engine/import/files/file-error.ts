import { invalidArgument, type AppError } from '@rapport/platform';

/** INVALID_ARGUMENT for a file that can't be read as a whole. */
export function fileError(reason: string, description: string): AppError {
  return invalidArgument([{ field: 'file', reason, description }]);
}
