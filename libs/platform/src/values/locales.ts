import type { FieldViolation } from '../app-error.js';

const timeZones = new Map(Intl.supportedValuesOf('timeZone').map((name) => [name.toLowerCase(), name]));

/** The name of a time zone as the IANA database spells it; undefined for an unknown one. */
export function knownTimeZone(name: string): string | undefined {
  const known = timeZones.get(name.toLowerCase());
  if (known !== undefined) return known;
  try {
    // Aliases, which are not among the supported values, are accepted too.
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    return undefined;
  }
}

/** A BCP 47 tag in its canonical form; undefined for a malformed one or an unknown language. */
export function canonicalLocale(tag: string): string | undefined {
  try {
    const [canonical] = Intl.DateTimeFormat.supportedLocalesOf(tag);
    return canonical;
  } catch {
    return undefined;
  }
}

/**
 * Violations of the fields `timeZone` and `locale` of a request. Absent fields are valid.
 *
 * @param parent path of the message that has the fields
 */
export function localeViolations(
  parent: string,
  { timeZone, locale }: { timeZone?: string | undefined; locale?: string | undefined },
): FieldViolation[] {
  const violations: FieldViolation[] = [];
  if (timeZone !== undefined && knownTimeZone(timeZone) === undefined) {
    const description = 'must be a name of the IANA time zone database, such as Europe/Berlin';
    violations.push({ field: `${parent}.timeZone`, reason: 'TIME_ZONE_UNKNOWN', description });
  }
  if (locale !== undefined && canonicalLocale(locale) === undefined) {
    const description = 'must be a BCP 47 tag of a known language, such as de-DE';
    violations.push({ field: `${parent}.locale`, reason: 'LOCALE_UNKNOWN', description });
  }
  return violations;
}
