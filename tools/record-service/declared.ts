import { camelCase, namedFields, type Contract, type RecordContract, type RecordField } from '@rapport/contracts';
import { filterFieldsOf } from '@rapport/contracts/filters';
import { FieldOrder, Format, OnDelete } from '@rapport/contracts/rapport/api/v1/options';
import { namesOf, type Names } from './names.ts';
import type { PrintedField } from './standard-method.ts';

/** A type of records among all others of its contract. */
export interface Declared {
  contract: Contract;
  record: RecordContract;
  records: readonly RecordContract[];
  names: Names;
}

/** Fields that a filter compares, and paths over references. */
export function filterNames({ record, records }: Declared): string[] {
  const own = [...filterFieldsOf(record).keys()];
  const paths = record.fields.flatMap(({ name, reference, writable }) =>
    (record.options.readOnly || writable !== 'NEVER') && records.some(({ type }) => type === reference)
      ? [`${name.replace(/Id$/, '')}.<field>`]
      : [],
  );
  const back = pathsBack({ record, records }).map(({ plural }) => `${plural}.<field>`);
  const associations = 'associations.<type>.<field>';
  return [...own, ...(record.options.customFields ? ['customFields.<key>'] : []), ...paths, ...back, associations];
}

/** Types whose records refer to those of this type by one field: filters lead to them by their plural. */
function pathsBack({ record, records }: Pick<Declared, 'record' | 'records'>): RecordContract[] {
  return records.filter(({ type, fields }) => {
    const references = fields.filter(({ reference, writable }) => reference === record.type && writable !== 'NEVER');
    return type !== record.type && references.length === 1;
  });
}

/** Fields that lists are ordered by, as requests spell them. */
export function orderNames({ record }: Declared): { live: string[]; deleted: string[] } {
  const { fields, options } = record;
  const isEnum = ({ desc, index }: RecordField) => desc.fieldKind === 'enum' && index.term !== '';
  const of = (...orders: FieldOrder[]) => fields.filter((field) => orders.includes(field.index.order) || isEnum(field));
  const live = of(FieldOrder.LIVE, FieldOrder.ALL);
  const deleted = fields.filter(({ index }) => [FieldOrder.ALL, FieldOrder.DELETED].includes(index.order));
  return {
    live: [...live.map(({ name }) => name), ...(options.customFields ? ['customFields.<key>'] : [])],
    deleted: deleted.map(({ name }) => name),
  };
}

export function searchNames({ record }: Declared): string[] {
  return namedFields(record).flatMap(({ name, field }) => (field.index.search ? [name] : []));
}

/** Fields by whose values records are grouped, as requests spell them, and times and days by whose parts they are. */
export function groupNames({ contract, record }: Declared): string[] {
  const dates = record.fields.filter(({ desc, column, isPersonal }) => {
    const isTime = desc.message?.typeName === 'google.protobuf.Timestamp' && column !== 'delete_time';
    return !isPersonal && (isTime || contract.rules(desc).format === Format.DATE);
  });
  return [
    ...namedFields(record).flatMap(({ name, field }) => (field.index.group ? [camelCase(name)] : [])),
    ...(record.options.customFields ? ['customFields.<key>'] : []),
    ...dates.map(({ name }) => `${name}.<part>`),
  ];
}

/** Fields that are summed, as requests spell them. */
export function sumNames({ record }: Declared): string[] {
  return [
    ...namedFields(record).flatMap(({ name, field }) => (field.index.sum ? [camelCase(name)] : [])),
    ...(record.options.customFields ? ['customFields.<key>'] : []),
  ];
}

/** Fields with unique values among live records. External ids are unique within their system. */
export function uniqueNames({ record }: Declared): string[] {
  return namedFields(record).flatMap(({ name, field }) => (field.index.unique ? [name] : []));
}

/** The errors of a value that another live record has, such as `409 EMAIL_TAKEN`. */
export function takenCodes(declared: Declared): string {
  const codes = uniqueNames(declared).map((name) => `${name.replace(/s$/, '').toUpperCase()}_TAKEN`);
  return codes.map((code, place) => (place === 0 ? `\`409 ${code}\`` : `\`${code}\``)).join(' or ');
}

/** The error of a record that is not there, such as `404 DEAL_NOT_FOUND`. */
export function notFoundCode({ field }: Names): string {
  return `\`404 ${field.toUpperCase()}_NOT_FOUND\``;
}

/** The error of an update of a merged record, for types whose merge does not delete it. */
export function mergedError({ names }: Pick<Declared, 'names'>): string {
  if (names.field !== 'ticket') return '';
  return '; `409 TICKET_MERGED` for a ticket that was merged into another one';
}

/** Sentences on the errors of a record's content, besides violations of field rules. */
export function inputErrors(declared: Declared): string[] {
  const { record, names } = declared;
  const unique = uniqueNames(declared);
  const references = record.fields.flatMap(({ name, reference, writable }) =>
    reference !== undefined && writable !== 'NEVER' ? [`\`${name}\``] : [],
  );
  return [
    ...(unique.length > 0
      ? [
          `Fails with ${takenCodes(declared)} if a live ${names.noun} has ` +
            `${unique.map((name) => `${name.endsWith('s') ? 'one of its' : 'the same'} \`${camelCase(name)}\``).join(' or ')}. The problem names the field, and \`metadata\` has the ` +
            `id of that ${names.noun} (\`${names.json}Id\`).`,
        ]
      : []),
    ...(references.length > 0
      ? [
          `Fails with \`400 VALIDATION_FAILED\` if ${references.join(' or ')} is not a live record that the caller can see.`,
        ]
      : []),
  ];
}

/** Sentences about what deleting a record does to those that reference it. */
export function deleteErrors(declared: Declared): string[] {
  const restricting = referrers(declared, OnDelete.RESTRICT).map((each) => namesOf(each).one);
  return [
    ...(restricting.length > 0
      ? [`Fails with \`409 RECORD_IN_USE\` while a live record, such as ${restricting.join(' or ')}, references it.`]
      : []),
  ];
}

/** Errors of restoring a record that references one which is deleted, by the same rule. */
export function undeleteErrors({ record, records }: Declared): string[] {
  const targets = records.filter(({ type }) =>
    record.fields.some(({ reference, index }) => reference === type && index.onDelete === OnDelete.RESTRICT),
  );
  return targets
    .map((each) => namesOf(each))
    .map(({ field, noun }) => `\`409 ${field.toUpperCase()}_NOT_FOUND\` if its ${noun} is deleted`);
}

/** Items of batches as JSON text, made of the examples of the fields. */
export function itemExamples({ contract, record, names }: Declared): { create: string; update: string } {
  const given = record.fields.flatMap(({ name, desc, writable, isRequired }) => {
    const { example } = contract.rules(desc);
    if (writable === 'NEVER' || example === '') return [];
    const value = JSON.parse(example) as unknown;
    return [{ name, isRequired, isFixed: writable === 'ONCE', value: desc.fieldKind === 'list' ? [value] : value }];
  });
  const changed = given.filter(({ isFixed }) => !isFixed).slice(0, 1);
  const content = (fields: typeof given) => Object.fromEntries(fields.map(({ name, value }) => [name, value]));
  const create = { [names.json]: content(given.filter(({ isRequired }) => isRequired)) };
  const id = '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11';
  const update = { id, [names.json]: content(changed) };
  return { create: JSON.stringify(create), update: JSON.stringify(update) };
}

/** Types whose records reference those of this type by a rule about its deletion. */
function referrers({ record, records }: Declared, rule: OnDelete): RecordContract[] {
  return records.filter(({ fields }) =>
    fields.some(({ reference, index }) => reference === record.type && index.onDelete === rule),
  );
}

/** Cache tags of what an answer with records of any number depends on: all records of the type, and what decides how they are shown. */
export function listTags(declared: Declared): string[] {
  return [declared.names.field, ...shapeTags(declared)];
}

/** Cache tags of what decides how a filter is read: the time zone whose days are meant. */
export const filterTags = ['settings'];

/** Cache tags of what paths in a filter lead to: records of all types by associations, and their custom fields. */
export function pathTags({ record, records }: Declared): string[] {
  const others = records.filter(({ type }) => type !== record.type);
  return [...others.map((each) => namesOf(each).field), 'association', 'custom_field'];
}

/** Cache tags of read-only types that reference this one, since a write can also write their records. */
export function writtenTags({ record, records }: Declared): string[] {
  return records
    .filter(({ options, fields }) => options.readOnly && fields.some(({ reference }) => reference === record.type))
    .map((each) => namesOf(each).field);
}

/**
 * Cache tags of what decides how records are shown, and to whom: the definitions of custom fields, the parents of records, and the
 * records with owners by which read-only ones are seen.
 */
export function shapeTags({ record, records }: Declared): string[] {
  const { options, fields } = record;
  const isReferenced = ({ type }: RecordContract) => fields.some(({ reference }) => reference === type);
  const others = records.filter(
    (each) => each.type === options.parent || (options.readOnly && each.options.owned && isReferenced(each)),
  );
  return [...(options.customFields ? ['custom_field'] : []), ...others.map((each) => namesOf(each).field)];
}

/** The permission of a method, with the field of the request that names the parent of the records. */
export function permissionTo({ permission, writePermission, parent }: RecordContract, verb: 'read' | 'write'): string {
  const needed = verb === 'write' ? writePermission : `${permission}.read`;
  return parent === undefined ? needed : needed.replace(/\./, `.{${parent}}.`);
}

/** What names the parent in a request whose message is not one of `rapport.api.v1`. */
export function parentFields({ record: { parent } }: Declared): PrintedField[] {
  if (parent === undefined) return [];
  const comment = `Key of the ${parent}, as in the path.`;
  return [
    { comment, declaration: `string ${parent} = 15`, isRequired: true, rules: ['pattern: "^[a-z][a-z0-9_]{0,59}$"'] },
  ];
}
