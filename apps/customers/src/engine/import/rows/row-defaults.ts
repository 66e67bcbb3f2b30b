import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { dayReader, type ReadDay } from './read-day.js';

/** Defaults for rows of a file that lack the value. */
export interface RowDefaults {
  /** For customers. */
  kind: CustomerKind;
  externalIdSystem: string;
  /** ISO 3166-1 alpha-2 code of the country of local phone numbers. */
  country?: string | undefined;
  /** ISO 4217 code of amounts without a currency. Without it, they are invalid. */
  currency?: string | undefined;
  /** BCP 47 tag of the file's language, for the names of countries. */
  language?: string | undefined;
  /** Parses dates in the file's language. Without it, dates start with the year. */
  readDay?: ReadDay | undefined;
  /** Whether lists of a row replace those of its record. Otherwise they are united. */
  replacesLists?: boolean | undefined;
}

/** The parsing options of an import, from its request. */
export interface RowRules {
  /** For customers. */
  kind?: CustomerKind | undefined;
  externalIdSystem?: string | undefined;
  defaultCountry?: string | undefined;
  language?: string | undefined;
  /** Number of a `ListMode`. Undefined in rules that were stored before modes existed. */
  listMode?: number | undefined;
}

/** @throws AppError INVALID_ARGUMENT field `language` */
export function rowDefaults({ kind, externalIdSystem, defaultCountry, language, listMode }: RowRules): RowDefaults {
  return {
    kind: kind === undefined || kind === CustomerKind.UNSPECIFIED ? CustomerKind.PERSON : kind,
    externalIdSystem: externalIdSystem ?? 'import',
    country: defaultCountry,
    language,
    readDay: dayReader(language),
    replacesLists: (listMode as ListMode | undefined) === ListMode.REPLACE,
  };
}
