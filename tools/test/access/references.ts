import { ScalarType, type DescField } from '@bufbuild/protobuf';
import type { Contract, RestRoute } from '@rapport/contracts';
import { FieldBehavior } from '@rapport/contracts/google/api/field_behavior';
import { Format } from '@rapport/contracts/rapport/api/v1/options';

/** A place in the parts of a request, such as `['body', 'items', 0, 'id']`. */
export type Place = readonly (string | number)[];

/** A place of a request that has the id of a record. */
export interface Reference {
  place: Place;
  /** Of the record, such as `customers`. */
  collection: string;
  /** What stands there with an id in it; the id itself when absent. */
  write?: (id: string) => string;
}

/** Whose ids the fields have that are not called after their collection; undefined: of nothing that is in a collection. */
const collectionOfField: Readonly<Record<string, string | undefined>> = {
  customer_id: 'customers',
  from_customer_id: 'customers',
  to_customer_id: 'customers',
  merged_id: 'customers',
  company_id: 'customers',
  user_id: 'users',
  principal_id: 'users',
  role_ids: 'roles',
  team_id: 'teams',
  endpoint_id: 'webhookEndpoints',
  connection: 'connections',
  connection_id: 'connections',
  mapping_id: 'mappings',
  // Of a record in another system.
  record_id: undefined,
  // Ids of changes, of which a replay takes those that are the tenant's.
  event_ids: undefined,
  first_event_id: undefined,
  last_event_id: undefined,
  // Customers asks nobody whether there is such a user or team.
  owner_id: undefined,
  owner_team_id: undefined,
  // The caller's own word for the request.
  request_id: undefined,
};

/** What stands around the id in a field. */
const forms: Readonly<Record<string, Reference['write']>> = { principal_id: (id) => `user:${id}` };

/** A filter with an id, by the collection that is filtered. */
const filters: Readonly<Record<string, Reference['write']>> = { customers: (id) => `company_id = "${id}"` };

/** Every place of a request in which the id of a record stands. @throws Error for an id of which nobody has said whose it is */
export function references(contract: Contract, route: RestRoute): Reference[] {
  const { path, query, body } = route.fields;
  return [
    ...path.map(({ name, jsonName }) => ({
      place: ['params', jsonName],
      collection: collectionOfField[name] ?? collectionBefore(route.path.template, jsonName),
    })),
    ...query.flatMap((field) => referencesOf(contract, route, field, ['query', field.jsonName])),
    ...query.filter(({ name }) => name === 'filter').map(() => filterReference(route)),
    ...(body && route.bodyUsage !== 'file' ? referencesOf(contract, route, body, ['body']) : []),
  ];
}

/** Every place of a body that only the server may fill. */
export function serverOwned(
  contract: Contract,
  { fields, bodyUsage }: RestRoute,
): { field: DescField; place: Place }[] {
  const { body } = fields;
  if (!body || bodyUsage === 'file') return [];
  return fieldsWithin(body, ['body']).filter(
    ({ field }) =>
      contract.is(field, FieldBehavior.OUTPUT_ONLY) ||
      (bodyUsage === 'patch' && field.parent === body.message && contract.is(field, FieldBehavior.IMMUTABLE)),
  );
}

function filterReference({ path }: RestRoute): Reference {
  const collection = collectionOfPath(path.template);
  const write = filters[collection];
  if (!write) throw new Error(`Say in ${import.meta.filename} how ${collection} are filtered by an id.`);
  return { place: ['query', 'filter'], collection, write };
}

function referencesOf(contract: Contract, route: RestRoute, field: DescField, place: Place): Reference[] {
  const owned = serverOwned(contract, route).map(({ field: own }) => own);
  return fieldsWithin(field, place)
    .filter((candidate) => isId(contract, candidate.field) && !owned.includes(candidate.field))
    .flatMap((candidate) => {
      const collection = collectionOf(route, candidate.field);
      const item = candidate.field.fieldKind === 'list' ? [0] : [];
      const write = forms[candidate.field.name];
      return collection === undefined
        ? []
        : [{ place: [...candidate.place, ...item], collection, ...(write && { write }) }];
    });
}

/** A field and, when it is a message of ours, those in it at any depth. */
function fieldsWithin(field: DescField, place: Place): { field: DescField; place: Place }[] {
  const { message } = field;
  if (!message || message.typeName.startsWith('google.')) return [{ field, place }];
  const inside = field.fieldKind === 'list' ? [...place, 0] : place;
  return [{ field, place }, ...message.fields.flatMap((inner) => fieldsWithin(inner, [...inside, inner.jsonName]))];
}

function isId(contract: Contract, field: DescField): boolean {
  return (
    field.scalar === ScalarType.STRING &&
    (contract.rules(field).format === Format.UUID || /^(.+_)?ids?$/.test(field.name))
  );
}

function collectionOf({ path }: RestRoute, { name, parent }: DescField): string | undefined {
  if (name === 'id' || name === 'ids') return collectionOfPath(path.template);
  if (name in collectionOfField) return collectionOfField[name];
  throw new Error(`Say in ${import.meta.filename} whose id ${parent.typeName}.${name} is.`);
}

/** `customers` of `/v1/customers:batchGet`. */
function collectionOfPath(template: string): string {
  return template.split(/[/:]/)[2] ?? '';
}

/** `customers` of `/v1/customers/{id}:merge`. */
function collectionBefore(template: string, parameter: string): string {
  const steps = template.split('/');
  return steps[steps.findIndex((step) => step.includes(`{${parameter}}`)) - 1] ?? '';
}
