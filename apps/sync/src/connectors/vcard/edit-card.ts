import type { JsonObject, JsonValue, RecordIssue } from '../peer-record.js';
import type { VCard, VCardProperty } from './card.js';
import { contactIssues } from './check-contact.js';
import { categoryNames, contactOfCard, readProperties } from './contact-of-card.js';
import { listProperties, nameFields, textProperties, type ListField } from './contact-properties.js';
import { editList } from './edit-list.js';
import { makeProperty } from './format-card.js';
import { escapeText, splitUnescaped } from './property-text.js';

/** A card with changed fields, or what is wrong with them. */
export type EditedCard = { card: VCard } | { issues: RecordIssue[] };

/** A new card has version 3.0, which every CardDAV server supports (RFC 6352 §6.3.2). */
export function newCard(uid: string, fields: JsonObject): EditedCard {
  const properties = [
    { name: 'VERSION', text: '3.0' },
    { name: 'UID', text: escapeText(uid, '3.0') },
    { name: 'N', text: ';;;;' },
  ].map((content) => makeProperty(content, '3.0'));
  return editCard({ version: '3.0', properties, line: 1, issues: [] }, fields);
}

/**
 * Changes the named fields of a card; null clears one. Unchanged properties keep their lines, and so does all content
 * without a field.
 */
export function editCard(card: VCard, fields: JsonObject): EditedCard {
  const issues = contactIssues(fields, card.version);
  if (issues.length > 0) return { issues };
  const before = contactOfCard(card).fields;
  let edited = card;
  for (const [field, value] of Object.entries(fields)) {
    if (isSame(before[field] ?? null, value)) continue;
    edited = { ...edited, properties: editField(edited, field, value) };
  }
  if (contactOfCard(edited).fields['displayName'] === undefined && edited.version !== '2.1') {
    return { issues: [{ reason: 'REQUIRED', message: 'A card needs a name to show.', field: 'displayName' }] };
  }
  return { card: edited };
}

function editField(card: VCard, field: string, value: JsonValue): VCardProperty[] {
  if (field in textProperties) {
    const name = textProperties[field as keyof typeof textProperties];
    return setText(card, name, value === null ? undefined : escapeText(value as string, card.version));
  }
  if (field in listProperties) return editList(card, field as ListField, (value ?? []) as JsonObject[]);
  if (field === 'birthDate') return setText(card, 'BDAY', (value as string | null) ?? undefined);
  if (field === 'categories') return setCategories(card, (value ?? []) as string[]);
  if (field === 'organization') return setComponents(card, 'ORG', (parts) => [escaped(card, value), ...parts.slice(1)]);
  if (field === 'department') {
    const units = ((value as string | null) ?? '').split(' / ').map((unit) => escaped(card, unit));
    return setComponents(card, 'ORG', (parts) => [parts[0] ?? '', ...units]);
  }
  const index = nameFields.findIndex((name) => name === field);
  return setComponents(card, 'N', (parts) =>
    nameFields.map((_, at) => (at === index ? escaped(card, value) : (parts[at] ?? ''))),
  );
}

function escaped(card: VCard, value: JsonValue): string {
  return escapeText((value as string | null) ?? '', card.version);
}

/** Sets the first property with that name, whose parameters stay; without a text removes all of them. */
function setText(card: VCard, name: string, text: string | undefined): VCardProperty[] {
  const first = readProperties(card, name)[0]?.property;
  if (text === undefined) return card.properties.filter((property) => property.name !== name);
  if (!first) return [...card.properties, makeProperty({ name, text }, card.version)];
  const { group } = first;
  // The former value may have been of another type, such as a text.
  const parameters = first.parameters.filter((parameter) => name !== 'BDAY' || parameter.name !== 'VALUE');
  const changed = makeProperty({ name, group, parameters, text }, card.version);
  return card.properties.map((property) => (property === first ? changed : property));
}

/** Passes the escaped parts of a structured value to `change`; unchanged parts stay byte for byte. */
function setComponents(card: VCard, name: string, change: (parts: string[]) => string[]): VCardProperty[] {
  const before = readProperties(card, name)[0]?.text ?? '';
  const parts = change(splitUnescaped(before, ';'));
  const isEmpty = parts.every((part) => part === '');
  return setText(card, name, isEmpty && name !== 'N' ? undefined : parts.join(';'));
}

/** Remaining items keep their property, and new ones join the last one; in another order all are in one. */
function setCategories(card: VCard, categories: string[]): VCardProperty[] {
  const own = readProperties(card, 'CATEGORIES').map(({ property, text }) => ({
    property,
    names: categoryNames(text, card).filter((name) => categories.includes(name)),
    isWhole: categoryNames(text, card).every((name) => categories.includes(name)),
  }));
  const inOrder = own.flatMap(({ names }) => names);
  const isPrefix = inOrder.every((name, place) => name === categories[place]);
  const text = (names: string[]) => names.map((name) => escapeText(name, card.version)).join(',');
  const others = own.slice(1).map(({ property }) => property);
  if (!isPrefix || own.length === 0) {
    const left = { ...card, properties: card.properties.filter((property) => !others.includes(property)) };
    return setText(left, 'CATEGORIES', categories.length === 0 ? undefined : text(categories));
  }
  const last = own.findLastIndex(({ names }) => names.length > 0);
  const added = categories.slice(inOrder.length);
  const changed = new Map(
    own.map(({ property, names, isWhole }, place) => {
      const all = place === Math.max(last, 0) ? [...names, ...added] : names;
      const { group, parameters } = property;
      const content = { name: 'CATEGORIES', group, parameters, text: text(all) };
      const isSame = isWhole && all.length === names.length;
      return [property, isSame ? [property] : all.length === 0 ? [] : [makeProperty(content, card.version)]] as const;
    }),
  );
  return card.properties.flatMap((property) => changed.get(property) ?? [property]);
}

function isSame(one: JsonValue, other: JsonValue): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
