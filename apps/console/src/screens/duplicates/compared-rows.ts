import { labels, t } from '../../app/language.ts';
import { theContract, type Field } from '../../contract/contract.ts';
import { isJson, type Json } from '../../contract/api.ts';
import { words } from '../../app/labels.ts';
import type { ComparedRow } from '../../kit/record/compare.tsx';
import { plainText } from '../../kit/record/value.tsx';

/** The fields of two customers that either has: those that differ first. Lists are united by a merge, so they need no choice. */
export function comparedRows(left: Json | undefined, right: Json | undefined): ComparedRow[] {
  const fields = theContract()
    .fields('Customer')
    .filter(({ output, type }) => output === undefined && type !== 'object');
  const rows = [
    ...fields.map((field) => ({
      field,
      id: field.name,
      name: labels.field('Customer', field.name),
      of: (each: Json | undefined) => each?.[field.name],
    })),
    ...customKeys(left, right).map((key) => ({
      field: { name: key, type: 'text' } satisfies Field as Field,
      id: `customFields.${key}`,
      name: words(key),
      of: (each: Json | undefined) => (isJson(each?.customFields) ? each.customFields[key] : undefined),
    })),
  ].map(({ field, id, name, of }): ComparedRow => {
    const one = shown(field, of(left));
    const other = shown(field, of(right));
    const isChoice = field.list === undefined && one !== '' && other !== '' && one !== other;
    const isUnited = field.list !== undefined && one !== other;
    return { id, name, left: one, right: other, isChoice, ...(isUnited && { note: t('compare.both') }) };
  });
  const shownRows = rows.filter((row) => row.left !== '' || row.right !== '');
  return shownRows.toSorted((one, other) => Number(other.isChoice ?? false) - Number(one.isChoice ?? false));
}

function customKeys(...records: readonly (Json | undefined)[]): string[] {
  const keys = records.flatMap((each) => (isJson(each?.customFields) ? Object.keys(each.customFields) : []));
  return [...new Set(keys)].toSorted();
}

function shown(field: Field, value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = (each: unknown) =>
    field.type === 'enum' ? labels.value(field.of ?? '', String(each)) : plainText(field, each);
  return Array.isArray(value) ? value.map(text).join(', ') : text(value);
}
