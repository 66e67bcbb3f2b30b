import type { JsonObject, RecordIssue } from '../peer-record.js';
import { parameterValues, type VCard, type VCardProperty } from './card.js';
import {
  addressParts,
  isAddress,
  listProperties,
  nameFields,
  technicalTypes,
  textProperties,
  type ListField,
} from './contact-properties.js';
import { components, listItems, propertyText, unescapeText } from './property-text.js';

/** A property with a decoded value. */
export interface ReadProperty {
  property: VCardProperty;
  /** Decoded, still escaped. */
  text: string;
}

/** The neutral fields of a card, and its problems and content without a field. Lines are those of the file. */
export function contactOfCard(card: VCard): { fields: JsonObject; issues: RecordIssue[] } {
  const issues = [...card.issues];
  const read = (name: string) => readProperties(card, name, issues);
  const single = (name: string, field: string) => firstOf(read(name), field, issues);
  const fields: JsonObject = {};
  const set = (field: string, value: string | undefined) => {
    if (value !== undefined && value !== '') fields[field] = value;
  };

  for (const [field, name] of Object.entries(textProperties)) {
    const found = single(name, field);
    if (found) set(field, unescapeText(found.text, card.version).trim());
  }
  const name = single('N', 'familyName');
  const nameParts = name ? components(name.text, card.version) : [];
  nameFields.forEach((field, index) => set(field, nameParts[index]?.join(' ')));
  const organization = single('ORG', 'organization');
  const [unit, ...units] = organization ? components(organization.text, card.version) : [];
  set('organization', unit?.join(', '));
  set(
    'department',
    units
      .map((items) => items.join(', '))
      .filter(Boolean)
      .join(' / '),
  );
  for (const field of Object.keys(listProperties) as ListField[]) {
    const items = read(listProperties[field].property).flatMap((found) => {
      const item = listItem(card, field, found);
      if (!item && field === 'emails' && found.text.trim() !== '') issues.push(notAnAddress(found.property));
      return item ?? [];
    });
    if (items.length > 0) fields[field] = items;
  }
  const categories = read('CATEGORIES').flatMap(({ text }) => categoryNames(text, card));
  if (categories.length > 0) fields['categories'] = categories;
  set('birthDate', birthDate(single('BDAY', 'birthDate'), issues));
  set('uid', single('UID', 'uid')?.text.trim());
  set('kind', (single('KIND', 'kind') ?? single('X-ADDRESSBOOKSERVER-KIND', 'kind'))?.text.trim().toLowerCase());
  return { fields, issues: [...issues, ...nameIssues(fields, card)] };
}

/** The decodable properties with a name; the others are added to `issues`. */
export function readProperties(card: VCard, name: string, issues: RecordIssue[] = []): ReadProperty[] {
  return card.properties
    .filter((property) => property.name === name)
    .flatMap((property) => {
      const decoded = propertyText(property);
      if ('text' in decoded) return [{ property, text: decoded.text }];
      issues.push({ ...decoded, line: property.line });
      return [];
    });
}

function firstOf([first, ...others]: ReadProperty[], field: string, issues: RecordIssue[]): ReadProperty | undefined {
  const [second] = others;
  if (first && second) {
    const message = `There are ${others.length + 1} of ${first.property.name}; the first one is read.`;
    issues.push({ reason: 'MORE_THAN_ONE', message, field, line: second.property.line });
  }
  return first;
}

function notAnAddress({ line }: VCardProperty): RecordIssue {
  return { reason: 'EMAIL_INVALID', message: 'This is no e-mail address.', field: 'emails', line };
}

/** An item of a list field; `undefined` for an empty property, or an address without content. */
export function listItem(card: VCard, field: ListField, { property, text }: ReadProperty): JsonObject | undefined {
  const value = itemValue(card, field, text);
  if (Object.keys(value).length === 0) return undefined;
  const types = parameterValues(property, 'TYPE').filter((type) => !technicalTypes.includes(type));
  const label = groupLabel(card, property);
  const primary = isPreferred(property);
  return {
    ...value,
    ...(types.length > 0 ? { types } : {}),
    ...(label === undefined ? {} : { label }),
    ...(primary ? { primary } : {}),
  };
}

function itemValue(card: VCard, field: ListField, text: string): JsonObject {
  const { part } = listProperties[field];
  if (part !== undefined) {
    const written = unescapeText(text, card.version).trim();
    const value = field === 'phones' ? written.replace(/^tel:/i, '') : written;
    return value === '' || (field === 'emails' && !isAddress(value)) ? {} : { [part]: value };
  }
  const parts = components(text, card.version);
  const entries = addressParts.map((name, index) => [name, parts[index]?.join(', ') ?? ''] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== ''));
}

/** Apple labels a group by `X-ABLabel`, with built-in labels such as `_$!<HomePage>!$_`. */
export function groupLabel(card: VCard, { group }: VCardProperty): string | undefined {
  if (group === undefined) return undefined;
  const found = readProperties(card, 'X-ABLABEL').find(({ property }) => property.group === group);
  return (
    found &&
    unescapeText(found.text, card.version)
      .trim()
      .replace(/^_\$!<(.*)>!\$_$/, '$1')
  );
}

function isPreferred(property: VCardProperty): boolean {
  return parameterValues(property, 'TYPE').includes('pref') || parameterValues(property, 'PREF')[0] === '1';
}

/** Thunderbird's extension escapes the commas between categories. */
export function categoryNames(text: string, card: VCard): string[] {
  const items = listItems(text, card.version === '2.1' ? '3.0' : card.version);
  return items
    .flatMap((item) => item.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function birthDate(found: ReadProperty | undefined, issues: RecordIssue[]): string | undefined {
  const text = found?.text.trim();
  if (!found || text === undefined || text === '') return undefined;
  const [, year, month, day] = /^(\d{4})-?(\d\d)-?(\d\d)(?:T.*)?$/.exec(text) ?? [];
  const date = `${year}-${month}-${day}`;
  const time = Date.parse(date);
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(date)) return date;
  const message = 'The birthday is no full date.';
  issues.push({ reason: 'DATE_INCOMPLETE', message, field: 'birthDate', line: found.property.line });
  return undefined;
}

function nameIssues(fields: JsonObject, card: VCard): RecordIssue[] {
  if (fields['displayName'] !== undefined) return [];
  const named = nameFields.some((field) => fields[field] !== undefined);
  return named
    ? [{ reason: 'NO_DISPLAY_NAME', message: 'The card has no FN.', field: 'displayName', line: card.line }]
    : [
        {
          reason: 'NO_NAME',
          message: 'The card has no name: it has neither FN nor N.',
          field: 'displayName',
          line: card.line,
        },
      ];
}
