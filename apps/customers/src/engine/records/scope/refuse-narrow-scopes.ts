import { AppError, callContext, seesSomeOnly } from '@rapport/platform';

/** @throws AppError PERMISSION_DENIED RECORD_SCOPE_UNSUPPORTED to a caller who may see some records only */
export function refuseNarrowScope(): void {
  if (!seesSomeOnly()) return;
  const { recordScope = 'ALL' } = callContext.getStore()?.caller ?? {};
  throw new AppError(
    'PERMISSION_DENIED',
    'RECORD_SCOPE_UNSUPPORTED',
    `The record scope ${recordScope} is not enough here: only who may see all records can call this.`,
    { metadata: { recordScope } },
  );
}
