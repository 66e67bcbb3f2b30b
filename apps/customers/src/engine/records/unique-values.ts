import type { NamedField } from '@rapport/contracts';
import { Format } from '@rapport/contracts/rapport/api/v1/options';
import { keyName } from '../fields/filter-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { currentSeal } from '../sealing/seal.js';
import { contract } from '../values/contract.js';
import { domainSpellings, emailSpellings } from '../values/domain-spellings.js';
import { onceFor } from '../values/once-for.js';

/** A value that only one live record of its type and tenant may have. */
export interface UniqueValue {
  /** Such as `EMAIL`, for the field `emails`. */
  type: string;
  /** The normalized form in the key table. */
  value: string;
  /** The plain form of a record that is not encrypted yet, while an encryption is in progress. */
  plainValue?: string | undefined;
  /** The normalized form in plain, of a personal value in an encrypted tenant. It is never stored. */
  text?: string | undefined;
  /** Path in the record by JSON names, such as `emails[0].address`. */
  path: string;
}

/**
 * The distinct unique values of a normalized record. An internationalized domain has a value for each spelling, after one another, that
 * of the record first: so a record of an earlier release, which has that one only, keeps the others from the same name.
 */
export function uniqueValues<Message extends RecordMessage>(type: RecordType<Message>, record: Message): UniqueValue[] {
  const prefix = uniquePrefix(type, record);
  return uniqueFields(type).flatMap(({ key, valuesOf }) =>
    valuesOf(record as unknown as Values).map(({ text, path, isPersonal }) => ({
      type: key,
      ...(isPersonal ? sealedValue(key, prefix + text) : { value: prefix + text }),
      ...(isPersonal && currentSeal() && { text }),
      path,
    })),
  );
}

/**
 * Prefix of one parent's unique values, so that other parents may have the same values. Empty for a type without
 * parents.
 *
 * @param record may be omitted when the type is that of one parent
 */
export function uniquePrefix<Message extends RecordMessage>(type: RecordType<Message>, record?: Message): string {
  if (type.contract.parent === undefined) return '';
  return `${type.parentKey ?? (record && type.parentOf(record)) ?? ''} `;
}

/** JSON names of the fields with unique values. */
export const uniqueFieldNames = onceFor((type: RecordType): ReadonlySet<string> => {
  const unique = type.namedFields.filter(({ field }) => field.index.unique);
  return new Set(unique.map(({ field, list }) => (list ?? field).name));
});

/** The key of an e-mail address. */
export function emailValue(address: string): Pick<UniqueValue, 'value' | 'plainValue'> {
  return sealedValue('EMAIL', emailKey(address));
}

/** E-mail addresses are compared without case. */
export function emailKey(address: string): string {
  return address.toLowerCase();
}

/** System names have no slash, so the first slash ends the name. */
export function externalIdKey(system: string, value: string): string {
  return `${system}/${value}`;
}

/** The values that are not among others. */
export function without(values: UniqueValue[], others: UniqueValue[]): UniqueValue[] {
  return values.filter(({ type, value }) => !others.some((other) => other.type === type && other.value === value));
}

/** The key of a personal value. @param key name of its type */
export function sealedValue(key: string, text: string): Pick<UniqueValue, 'value' | 'plainValue'> {
  const seal = currentSeal();
  if (!seal) return { value: text };
  return { value: seal.blind(key.toLowerCase(), text), plainValue: seal.isComplete ? undefined : text };
}

type Values = Record<string, unknown>;

interface PlacedText {
  text: string;
  path: string;
  isPersonal: boolean;
}

const uniqueFields = onceFor((type: RecordType) =>
  type.namedFields
    .filter(({ field }) => field.index.unique)
    .map((named) => ({ key: keyName(named.name), valuesOf: readerOf(named) })),
);

function readerOf({ field, list }: NamedField): (record: Values) => PlacedText[] {
  const { name, isPersonal, desc } = field;
  const { format } = contract.rules(desc);
  const placed = (text: unknown, path: string): PlacedText[] =>
    comparedTexts(text as string, format).map((each) => ({ text: each, path, isPersonal }));
  if (list) {
    // External ids are unique within their system.
    const hasSystem = list.parts.some((part) => part.name === 'system');
    const textOf = (item: Values) =>
      hasSystem ? externalIdKey(item['system'] as string, item[name] as string) : item[name];
    return (record) =>
      distinct(
        (record[list.name] as Values[]).flatMap((item, index) =>
          placed(textOf(item), `${list.name}[${index}].${name}`),
        ),
      );
  }
  if (desc.fieldKind === 'list') {
    return (record) => distinct((record[name] as string[]).flatMap((text, index) => placed(text, `${name}[${index}]`)));
  }
  return (record) => (record[name] === undefined ? [] : placed(record[name], name));
}

function comparedTexts(text: string, format: Format): string[] {
  switch (format) {
    case Format.EMAIL:
      return [...new Set([emailKey(text), ...emailSpellings(text)])];
    case Format.DOMAIN:
      return [...new Set([text, ...domainSpellings(text)])];
    default:
      return [text];
  }
}

/** A record of an earlier release may have two spellings of one name. */
function distinct(placed: readonly PlacedText[]): PlacedText[] {
  return [...new Map(placed.toReversed().map((each) => [each.text, each])).values()].toReversed();
}
