import type { User } from '@rapport/contracts/rapport/auth/v1/users_service';
import { canonicalLocale, invalidArgument, knownTimeZone, localeViolations } from '@rapport/platform';
import type { UserAccount } from '../storage/user-account.entity.js';

/**
 * The stored form of the time zone and locale of a request. Null means that the workspace's value applies.
 *
 * @param parent the field of the request that contains them
 * @throws AppError INVALID_ARGUMENT with each invalid value
 */
export function storedLocale(
  parent: string,
  { timeZone, locale }: Pick<User, 'timeZone' | 'locale'>,
): Pick<UserAccount, 'timeZone' | 'locale'> {
  const violations = localeViolations(parent, { timeZone, locale });
  if (violations.length > 0) throw invalidArgument(violations);
  return {
    timeZone: timeZone === undefined ? null : (knownTimeZone(timeZone) ?? null),
    locale: locale === undefined ? null : (canonicalLocale(locale) ?? null),
  };
}
