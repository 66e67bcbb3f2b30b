import { invalidArgument, type AppError, type ViolationCode } from '@rapport/platform';

/** INVALID_ARGUMENT for a file that can't be read as a whole. */
export function fileError(reason: ViolationCode, description: string): AppError {
  return invalidArgument([{ field: 'file', reason, description }]);
}
