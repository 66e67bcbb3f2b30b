import { AppError, callContext, seesSomeOnly } from '@rapport/platform';

/** @throws AppError PERMISSION_DENIED RECORD_SCOPE_UNSUPPORTED to a caller with a narrow record scope */
export function refuseNarrowScope(): void {
  if (!seesSomeOnly()) return;
  const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
  throw new AppError(
    'PERMISSION_DENIED',
    'RECORD_SCOPE_UNSUPPORTED',
    `This method requires the record scope ALL. The caller has ${recordScope}.`,
    { metadata: { recordScope } },
  );
}
