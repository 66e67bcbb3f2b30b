import { AppError, callContext, seesSomeOnly } from '@rapport/platform';

/**
 * @param what requires the record scope ALL, as a sentence
 * @throws AppError PERMISSION_DENIED RECORD_SCOPE_UNSUPPORTED to a caller with a narrow record scope
 */
export function refuseNarrowScope(what = 'This method requires the record scope ALL.'): void {
  if (!seesSomeOnly()) return;
  const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
  throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', `${what} The caller has ${recordScope}.`, {
    metadata: { recordScope },
  });
}
