import { CustomerKind } from '@rapport/contracts/rapport/customers/v1/customer';
import { ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import { dayReader, type ReadDay } from './read-day.js';

/** Applies to rows of a file that do not have the value themselves. */
export interface RowDefaults {
  /** Of customers. */
  kind: CustomerKind;
  externalIdSystem: string;
  /** ISO 3166-1 alpha-2 code of the country that local phone numbers are of. */
  country?: string | undefined;
  /** Reads the days of the file's language. Without it they begin with the year. */
  readDay?: ReadDay | undefined;
  /** Whether lists of a row replace those of its record. They are united otherwise. */
  replacesLists?: boolean | undefined;
}

/** How an import reads rows, as its request says. */
export interface RowRules {
  /** Of customers. */
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
    readDay: dayReader(language),
    replacesLists: (listMode as ListMode | undefined) === ListMode.REPLACE,
  };
}
