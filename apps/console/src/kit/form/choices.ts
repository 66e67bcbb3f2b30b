import { useQuery } from '@tanstack/react-query';
import { format, locale } from '../../app/language.ts';
import { useMay } from '../../app/resource.ts';
import { readQuery } from '../../contract/api.ts';
import { theContract, type Field } from '../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { titleOf } from '../../hints/hints.ts';
import type { Option } from './choose.tsx';

/** The first 100 records of a collection, such as the topics of a workspace; none where the session may not read them. */
export function useFirst(name: string, parameters: Json = {}): readonly Json[] {
  const may = useMay();
  const { list = '', items = '' } = theContract().resource(name) ?? {};
  const page = theContract().hasParameter(list, 'pageSize') ? { pageSize: 100 } : {};
  return itemsAt(useQuery(readQuery(list, { ...page, ...parameters }, may(list))).data, items);
}

/** Records as choices, by their ids or another field. */
export function optionsOf(records: readonly Json[], by = 'id'): Option[] {
  return records.map((record) => ({ id: textAt(record, by), name: textAt(record, 'name') || titleOf(record) }));
}

/** The values of a code of one kind, with the one that a record has. */
export function codeOptions(code: Field['code'], value: string): readonly Option[] {
  if (code === 'country') return countryOptions();
  if (code === 'permission') return theContract().permissions.map((id) => ({ id, name: id }));
  return code === 'timeZone' ? timeZoneOptions(value) : languageOptions(value);
}

let countries: Option[] | undefined;

/** Countries by their names, in the order of the alphabet. Sorted once: a form asks for them each time that it is typed in. */
export function countryOptions(): readonly Option[] {
  countries ??= theContract()
    .countries.map((id) => ({ id, name: format.country(id) }))
    .toSorted((one, other) => one.name.localeCompare(other.name, locale));
  return countries;
}

/** Those that most workspaces and customers have. */
const languages = [
  ...['en', 'en-GB', 'en-US', 'de', 'de-AT', 'de-CH', 'de-DE', 'fr', 'fr-CA', 'fr-CH', 'fr-FR', 'es', 'es-ES', 'es-MX'],
  ...['pt', 'pt-BR', 'pt-PT', 'it', 'it-IT', 'nl', 'nl-NL', 'pl', 'pl-PL', 'cs', 'da', 'fi', 'nb', 'sv', 'sv-SE', 'ro'],
  ...['hu', 'el', 'tr', 'ru', 'uk', 'zh-CN', 'zh-TW', 'ja', 'ja-JP', 'ko', 'ko-KR', 'vi', 'th', 'id', 'hi', 'ar', 'he'],
];

/** Languages by their tags and names, with the tag that a record has. */
function languageOptions(value: string): Option[] {
  const names = new Intl.DisplayNames(locale, { type: 'language', fallback: 'none' });
  const tags = new Set([value, ...languages].filter(Boolean));
  return [...tags].map((id) => ({ id, name: [id, nameOf(names, id)].filter(Boolean).join(', ') }));
}

/** The browser refuses what is no tag. */
function nameOf(names: Intl.DisplayNames, tag: string): string | undefined {
  return /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i.test(tag) ? names.of(tag) : undefined;
}

/** Time zones by their names in the log and in words, such as `Europe/Berlin, Central European Time`. */
function timeZoneOptions(value: string): Option[] {
  const zones = new Set([value, 'UTC', ...Intl.supportedValuesOf('timeZone')].filter(Boolean));
  return [...zones].map((id) => ({ id, name: [id.replaceAll('_', ' '), zoneName(id)].filter(Boolean).join(', ') }));
}

function zoneName(timeZone: string): string | undefined {
  try {
    const form = new Intl.DateTimeFormat(locale, { timeZone, timeZoneName: 'longGeneric' });
    return form.formatToParts().find(({ type }) => type === 'timeZoneName')?.value;
  } catch {
    // This browser does not know the zone that the record has.
    return undefined;
  }
}
