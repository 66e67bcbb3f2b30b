import { camelCase, camelPath, type RecordContract, type RestRoute } from '@rapport/contracts';
import {
  comparisonsOf,
  filterFieldsOf,
  groupFieldsOf,
  orderFieldsOf,
  type FilterField,
} from '@rapport/contracts/filters';
import type { FilterFact, Operation, Resource } from '../src/contract/contract.ts';
import { nameOf } from './names.ts';

/** The collections that can be listed: `GET /v1/x` whose answer has one list of messages. */
export function resourcesOf(
  routes: readonly RestRoute[],
  operations: readonly Operation[],
  records: readonly RecordContract[],
): Resource[] {
  const found = new Map<string, Resource>();
  for (const [index, route] of routes.entries()) {
    const operation = operations[index];
    const items = listOf(route);
    if (!operation || !items?.message || found.has(operation.path)) continue;
    if (route.verb !== 'GET' || !route.method.name.startsWith('List') || operation.path.includes(':')) continue;
    const record = records.find(({ collection }) => `/v1/${collection}` === operation.path);
    found.set(operation.path, {
      name: operation.path.replace('/v1/', ''),
      singular:
        record?.singular ?? camelCase(items.message.name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`).slice(1)),
      message: nameOf(items.message),
      items: items.jsonName,
      list: operation.id,
      ...operationsOf(operation.path, operations),
      isRecord: record !== undefined,
      ...(record?.options.customFields && { hasCustomFields: true }),
      ...factsOf(record),
    });
  }
  return [...found.values()];
}

/** The list of an answer that has the items of the collection: the one of its name, or the only one. */
function listOf({ method, answerUsage, path }: RestRoute) {
  if (answerUsage !== 'message') return undefined;
  const lists = method.desc.output.fields.filter(({ fieldKind, message }) => fieldKind === 'list' && message);
  return (
    lists.find(({ jsonName }) => path.template.endsWith(`/${jsonName}`)) ?? (lists.length === 1 ? lists[0] : undefined)
  );
}

type Operations = Omit<
  Resource,
  'name' | 'singular' | 'message' | 'items' | 'list' | 'isRecord' | 'hasCustomFields' | 'filters' | 'orders' | 'groups'
>;

/** The operations of a collection and of its items, by their verbs and paths. */
function operationsOf(path: string, operations: readonly Operation[]): Operations {
  const item = operations.find((each) => each.path.startsWith(`${path}/{`) && each.path.endsWith('}'))?.path;
  const depth = `${path}/{}`.split('/').length;
  const itemPath = item?.split('/').length === depth ? item : undefined;
  const at = (verb: string, suffix: string, of: string | undefined) =>
    of === undefined ? undefined : operations.find((each) => each.verb === verb && each.path === of + suffix)?.id;
  const known = new Set<string>();
  const named = (name: keyof Operations, id: string | undefined) => {
    if (id !== undefined) known.add(id);
    return id === undefined ? {} : { [name]: id };
  };
  const result = {
    ...named('get', at('GET', '', itemPath)),
    ...named('create', at('POST', '', path)),
    ...named('update', at('PATCH', '', itemPath)),
    ...named('delete', at('DELETE', '', itemPath)),
    ...named('undelete', at('POST', ':undelete', itemPath)),
    ...named('history', at('GET', '/history', itemPath)),
    ...named('aggregate', at('GET', ':aggregate', path)),
    ...named('export', at('GET', ':export', path)),
    ...named('import', at('POST', ':import', path)),
    ...named('batchUpdate', at('POST', ':batchUpdate', path)),
    ...named('batchDelete', at('POST', ':batchDelete', path)),
  };
  const below = (start: string) =>
    operations.filter(({ path: other, id }) => {
      return itemPath !== undefined && unnamed(other).startsWith(unnamed(itemPath) + start) && !known.has(id);
    });
  return {
    ...result,
    verbs: below(':').map(({ id }) => id),
    children: below('/')
      .filter(({ verb, path: other }) => verb === 'GET' && !other.endsWith('}') && !lastStep(other).includes(':'))
      .map(({ id }) => id),
  };
}

/** A path without the names of its parameters, which differ: `/v1/customers/{id}` and `/v1/customers/{customerId}/consents`. */
function unnamed(path: string): string {
  return path.replace(/\{[^{}]*\}/g, '{}');
}

function lastStep(path: string): string {
  return path.slice(path.lastIndexOf('/'));
}

function factsOf(record: RecordContract | undefined): Pick<Resource, 'filters' | 'orders' | 'groups'> {
  if (!record) return { filters: [], orders: [], groups: [] };
  return {
    filters: [...filterFieldsOf(record).values()].map(filterFact),
    orders: orderFieldsOf(record).map(({ field }) => field.name),
    groups: [...groupFieldsOf(record).keys()].map(camelPath),
  };
}

function filterFact(field: FilterField): FilterFact {
  const { enum: values } = field.field.desc;
  const { operators, patterns } = comparisonsOf(field);
  return {
    path: field.path,
    type: field.type,
    ...(values && { of: nameOf(values) }),
    operators,
    ...(patterns.length > 0 && { patterns }),
    ...(field.type === 'owner' && field.isUser && { isUser: true }),
  };
}
