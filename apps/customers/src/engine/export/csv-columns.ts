import { ScalarType } from '@bufbuild/protobuf';
import type { RecordField } from '@rapport/contracts';
import { relatedText } from '@rapport/contracts/filters';
import type { RecordRef } from '@rapport/contracts/rapport/api/v1/records';
import type { CustomFields } from '../fields/custom-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { itemSeparators, joinItems } from '../values/cell-items.js';
import { onceFor } from '../values/once-for.js';

/** A column of an exported file. An import maps its name without configuration. */
export interface CsvColumn<Message = RecordMessage> {
  name: string;
  /** JSON name of the exported field. */
  field: string;
  text(record: Message): string | undefined;
}

/**
 * The columns of an export.
 *
 * @param own columns of fields that are neither external ids nor custom fields
 * @param systems of external ids, each of which gets a column
 * @param fields JSON names of the fields to export; all when empty
 */
export function csvColumns<Message extends RecordMessage>(
  own: readonly CsvColumn<Message>[],
  { systems, customFields }: { systems: readonly string[]; customFields: CustomFields },
  fields: readonly string[],
): CsvColumn<Message>[] {
  const columns: CsvColumn<Message>[] = [
    ...own,
    ...systems.map((system): CsvColumn<Message> => ({
      name: `externalId.${system}`,
      field: 'externalIds',
      text: (record) => (record as WithIds).externalIds?.find((id) => id.system === system)?.value,
    })),
    ...customFields.live.map(({ key }): CsvColumn<Message> => ({
      name: `customFields.${key}`,
      field: 'customFields',
      text: ({ customFields: values }) => customText(values && Object.hasOwn(values, key) ? values[key] : undefined),
    })),
  ];
  return fields.length === 0 ? columns : columns.filter(({ field }) => fields.includes(field));
}

interface WithIds {
  externalIds?: readonly { system: string; value: string }[];
}

/**
 * The default columns of a type: its fields in the order of the contract, except server-internal fields and messages
 * without a text form. Items of a list are on separate lines of one cell.
 */
export const contractColumns = onceFor((type: RecordType): readonly CsvColumn[] =>
  type.contract.fields.flatMap((field) => {
    const textOf = left.has(field.column) ? undefined : textOfField(field);
    if (!textOf) return [];
    const { name, desc } = field;
    return [
      {
        name: desc.fieldKind === 'list' ? itemName(name) : name,
        field: name,
        text: (record) => textOf((record as unknown as Record<string, unknown>)[name]),
      },
    ];
  }),
);

/** Custom fields and external ids have columns of their own. */
const left = new Set(['custom_fields', 'external_ids', 'etag', 'delete_time', 'created_by', 'updated_by']);

/** Column name for the items of a list: `tag` for `tags`, and `cc_address` for `cc_addresses`. */
export function itemName(field: string): string {
  return field.replace(/(?<=ss)es$|s$/, '');
}

/** Whether a field is an amount in a currency. */
export function isMoney({ desc, parts }: RecordField): boolean {
  return desc.fieldKind === 'message' && parts.length === 2 && parts.some(({ column }) => column === 'currency_code');
}

/** The part that stands for an item of a list in a cell: the first required one, if it is a text. */
export function textPart(parts: RecordField['parts']): string | undefined {
  const part = parts.find(({ isRequired }) => isRequired);
  return part?.desc.fieldKind === 'scalar' && part.desc.scalar === ScalarType.STRING ? part.name : undefined;
}

type TextOf = (value: unknown) => string | undefined;

function textOfField(field: RecordField): TextOf | undefined {
  const { desc, parts } = field;
  if (desc.fieldKind === 'list') {
    if (field.relatedTypes) return (items) => joinItems((items as RecordRef[]).map(refText), itemSeparators.tag);
    const part = textPart(parts);
    if (parts.length > 0 && part === undefined) return undefined;
    const textOf = part === undefined ? String : (item: unknown) => (item as Record<string, string>)[part] ?? '';
    return (items) => joinItems((items as unknown[]).map(textOf), itemSeparators.tag);
  }
  const names = new Map(desc.enum?.values.map(({ number, localName }) => [number, localName]));
  if (desc.enum) return (value) => (value === 0 ? undefined : names.get(value as number));
  if (isMoney(field)) return customText;
  if (desc.message && desc.message.typeName !== 'google.protobuf.Timestamp') return undefined;
  return customText;
}

function refText({ type, id }: RecordRef): string {
  return relatedText(type, id);
}

/** In the format that imports read: the items of MULTI_SELECT with semicolons, money as "12.50 EUR". */
function customText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return joinItems(value as string[], itemSeparators.choice, '; ');
  if (typeof value === 'object' && value !== null) {
    const { amount, currencyCode } = value as { amount: string; currencyCode: string };
    return `${amount} ${currencyCode}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
