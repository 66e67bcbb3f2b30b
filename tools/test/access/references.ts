import { ScalarType, type DescField } from '@bufbuild/protobuf';
import { recordContracts, snakeCase, type Contract, type RecordContract, type RestRoute } from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import { Format } from '@rapport/contracts/rapport/api/v1/options';
import { collectionOfField } from './id-fields.ts';

/** A place in the parts of a request, such as `['body', 'items', 0, 'id']`. */
export type Place = readonly (string | number)[];

/** A place of a request with the id of a record. */
export interface Reference {
  place: Place;
  /** Collection of the record, such as `customers`. */
  collection: string;
  /** The value around the id; the id itself when absent. */
  write?: (id: string) => string;
}

/** The text around the id in a field. */
const forms: Readonly<Record<string, Reference['write']>> = {
  principal_id: (id) => `user:${id}`,
};

/** The type used in resource names that may be of any type. */
const namedCollection = 'deals';

/** Every place of a request with the id of a record. @throws Error for an unexplained id */
export function references(contract: Contract, route: RestRoute): Reference[] {
  const { path, query, body } = route.fields;
  return [
    // A number, such as that of a version, is no id.
    ...path
      .filter((field) => isText(field) && !(`${field.parent.name}.${field.name}` in collectionOfField))
      .map(({ name, jsonName }) => ({
        place: ['params', jsonName],
        collection: collectionOfField[name] ?? collectionBefore(contract, route.path.template, jsonName),
      })),
    ...query.flatMap((field) => referencesOf(contract, route, field, ['query', field.jsonName])),
    ...query.filter(({ name }) => name === 'filter').flatMap(() => filterReferences(contract, route)),
    ...(body && route.bodyUsage !== 'file' ? referencesOf(contract, route, body, ['body']) : []),
  ];
}

/** Every output-only place of a body. */
export function serverOwned(
  contract: Contract,
  { fields, bodyUsage }: RestRoute,
): { field: DescField; place: Place }[] {
  const { body } = fields;
  if (!body || bodyUsage === 'file') return [];
  const owned = fieldsWithin(body, ['body']).filter(
    ({ field }) =>
      contract.is(field, FieldBehavior.OUTPUT_ONLY) ||
      (bodyUsage === 'patch' && field.parent === body.message && contract.is(field, FieldBehavior.IMMUTABLE)),
  );
  // Fields within such a field are refused with it.
  const isWithin = (place: Place, other: Place) =>
    place.length > other.length && other.every((step, index) => step === place[index]);
  return owned.filter(({ place }) => !owned.some((other) => isWithin(place, other.place)));
}

/** Every id that filters of the collection compare: those of referenced records. */
function filterReferences(contract: Contract, { path }: RestRoute): Reference[] {
  const { records } = namesOf(contract);
  const filtered = records.find(({ plural }) => plural === collectionOfPath(contract, path.template));
  if (!filtered) throw new Error(`Add to ${import.meta.filename} how ${path.template} is filtered by an id.`);
  return filtered.fields.flatMap(({ column, isId, reference }) => {
    const target = records.find(({ type }) => type === reference);
    if (!isId || !target) return [];
    return [
      {
        place: ['query', 'filter'],
        collection: target.plural,
        write: (id: string) => `${column} = "${id}"`,
      },
    ];
  });
}

function referencesOf(contract: Contract, route: RestRoute, field: DescField, place: Place): Reference[] {
  const owned = serverOwned(contract, route).map(({ place: own }) => own);
  const isOwned = (inner: Place) => owned.some((own) => own.every((step, index) => step === inner[index]));
  return fieldsWithin(field, place)
    .filter((candidate) => isId(contract, candidate.field) && !isOwned(candidate.place))
    .flatMap((candidate) => {
      const collection = collectionOf(contract, route, candidate.field);
      const item = candidate.field.fieldKind === 'list' ? [0] : [];
      const write = namesAny(contract, candidate.field)
        ? (id: string) => `${namedCollection}/${id}`
        : forms[candidate.field.name];
      return collection === undefined
        ? []
        : [
            {
              place: [...candidate.place, ...item],
              collection,
              ...(write && { write }),
            },
          ];
    });
}

/**
 * A field and, for a message of the contract, its fields at any depth. A message within one of its type is left out.
 *
 * @param around types of the messages that contain the field
 */
function fieldsWithin(
  field: DescField,
  place: Place,
  around: readonly string[] = [],
): { field: DescField; place: Place }[] {
  const { message } = field;
  if (!message || message.typeName.startsWith('google.') || around.includes(message.typeName))
    return [{ field, place }];
  const inside = field.fieldKind === 'list' ? [...place, 0] : place;
  const within = [...around, message.typeName];
  const fields = message.fields.flatMap((inner) => fieldsWithin(inner, [...inside, inner.jsonName], within));
  return [{ field, place }, ...fields];
}

function isText({ scalar }: DescField): boolean {
  return scalar === ScalarType.STRING;
}

function isId(contract: Contract, field: DescField): boolean {
  return (
    field.scalar === ScalarType.STRING &&
    (contract.rules(field).format === Format.UUID || /^(.+_)?ids?$/.test(field.name) || namesAny(contract, field))
  );
}

/** Whether a field contains the resource name of a record of any type. */
function namesAny(contract: Contract, field: DescField): boolean {
  return contract.reference(field) === '*';
}

function collectionOf(contract: Contract, { path }: RestRoute, field: DescField): string | undefined {
  const { name, parent } = field;
  if (namesAny(contract, field)) return namedCollection;
  const within = `${parent.name}.${name}`;
  if (within in collectionOfField) return collectionOfField[within];
  if (name === 'id' || name === 'ids') return collectionOfPath(contract, path.template);
  const { records, collections } = namesOf(contract);
  const target = records.find(({ type }) => type === contract.reference(field));
  if (target) return target.plural;
  if (name in collectionOfField) return collectionOfField[name];
  const words = name.replace(/_ids?$/, '').split('_');
  const ends = words.map((_, index) => words.slice(index).join('_'));
  const end = ends.find((each) => collections.has(each));
  if (end !== undefined) return collections.get(end);
  throw new Error(`Add to ${import.meta.filename} the collection of ${parent.typeName}.${name}.`);
}

interface Names {
  records: readonly RecordContract[];
  /** By the singular in snake case: `webhookEndpoints` by `webhook_endpoint`. */
  collections: ReadonlyMap<string, string>;
}

const names = new WeakMap<Contract, Names>();

/** The types of records of a contract, and all collections that its paths name. */
function namesOf(contract: Contract): Names {
  let known = names.get(contract);
  if (!known) {
    const records = recordContracts(contract);
    const plurals = contract.methods
      .flatMap(({ http }) => [http?.get, http?.post, http?.put, http?.patch, http?.delete])
      .flatMap((template = '') => [...template.matchAll(/\/(\w+)\/\{/g)].map(([, plural = '']) => plural));
    const collections = new Map([
      ...plurals.map((plural) => [snakeCase(plural.replace(/(?<=x)es$|s$/, '')), plural] as const),
      ...records.map(({ singular, plural }) => [snakeCase(singular), plural] as const),
    ]);
    known = { records, collections };
    names.set(contract, known);
  }
  return known;
}

/** `customers` of `/v1/customers:batchGet`, and `objectRecords` of `/v1/objects/{object}/records`. */
function collectionOfPath(contract: Contract, template: string): string {
  return recordsOfParent(contract, template)?.plural ?? template.split(/[/:]/)[2] ?? '';
}

/** `customers` of `/v1/customers/{id}:merge`, and `objectRecords` of `/v1/objects/{object}/records/{id}`. */
function collectionBefore(contract: Contract, template: string, parameter: string): string {
  const ofParent = recordsOfParent(contract, template);
  if (ofParent && parameter !== ofParent.parent) return ofParent.plural;
  const steps = template.split('/');
  return steps[steps.findIndex((step) => step.includes(`{${parameter}}`)) - 1] ?? '';
}

/** The type whose records a path has, when they have a parent. */
function recordsOfParent(contract: Contract, template: string): RecordContract | undefined {
  return namesOf(contract).records.find(
    ({ parent, collection }) => parent !== undefined && template.startsWith(`/v1/${collection}`),
  );
}
