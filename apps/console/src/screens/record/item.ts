import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { itemParameters, useCustomFields, useMay, type Collection } from '../../app/resource.ts';
import { call, listQuery, Problem, readQuery } from '../../contract/api.ts';
import { isEmpty, itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import type { FormField } from '../../kit/form/form-field.ts';

/** One record, as its page shows it. */
export interface Item extends Collection {
  id: string;
  now: Json;
  /** As it is shown: now, or in the past. */
  shown: Json;
  /** The moment of the past that is shown. */
  asOf: string | undefined;
  fields: readonly FormField[];
  custom: readonly FormField[];
  /** Changes, the latest first, as far as they are loaded. */
  changes: readonly Json[];
  moreChanges: (() => void) | undefined;
  isDeleted: boolean;
  fieldOf: (name: string) => FormField;
  /** Whether the session has the permission of an operation. */
  may: (operation: string | undefined) => operation is string;
}

export function useItem(resource: Resource, parents: Json, id: string, asOf: string | undefined): Item | undefined {
  const may = useMay(parents);
  const get = resource.get ?? '';
  const parameters = itemParameters(get, parents, id);
  const now = useQuery({
    ...readQuery(get, parameters),
    queryFn: ({ signal }) => read(resource, parents, id, signal),
    // A record that goes away while it is shown stays there, with what is typed into it.
    throwOnError: (_, query) => query.state.data === undefined,
  });
  const past = useQuery({
    ...readQuery(get, { ...parameters, asOf }),
    enabled: asOf !== undefined,
    placeholderData: (last) => last,
  });
  const history = useInfiniteQuery({
    ...listQuery(historyOf(resource), itemParameters(resource.history ?? resource.list, parents, id)),
    enabled: may(resource.history),
  });
  const custom = useCustomFields({ resource, parents });
  const fields = useFields(theContract().fields(resource.message), now.data);
  if (!now.data) return undefined;
  return {
    resource,
    parents,
    id,
    now: now.data,
    shown: asOf === undefined ? now.data : (past.data ?? {}),
    asOf,
    fields,
    custom,
    changes: history.data?.pages.flatMap(({ items }) => items) ?? [],
    moreChanges: history.hasNextPage && !history.isFetchingNextPage ? () => void history.fetchNextPage() : undefined,
    isDeleted: textAt(now.data, 'deleteTime') !== '' || (now.error instanceof Problem && now.error.status === 404),
    fieldOf: (name) => [...fields, ...custom].find((field) => field.name === name) ?? { name, type: 'text' },
    may,
  };
}

/**
 * The fields of a record. A key of something that another record lists, such as `stage` of `stages` of the pipeline, has those to
 * choose from.
 */
export function useFields(fields: readonly FormField[], record: Json | undefined): readonly FormField[] {
  const found = listedKey(fields);
  const get = theContract().resource(found?.source.reference ?? '')?.get;
  const id = textAt(record, found?.source.name ?? '');
  const { data } = useQuery({
    ...readQuery(get ?? 'getTenant', { id }),
    enabled: get !== undefined && id !== '',
    staleTime: 300_000,
  });
  const options = itemsAt(data, found?.list ?? '').map((each) => ({
    id: textAt(each, 'key'),
    name: textAt(each, 'name') || textAt(each, 'displayName') || textAt(each, 'key'),
  }));
  // A key of a list that could not be read stays a text; before a list is chosen, there is nothing to choose.
  const isListed = options.length > 0 || (id === '' && found?.source.required === true);
  return fields.map((field) => (field === found?.field && isListed ? { ...field, options } : field));
}

/** What a new record begins with: the first record that lists what it has the key of, which the board shows first too. */
export function useFirstSource(fields: readonly FormField[]): Json {
  const may = useMay();
  const source = listedKey(fields)?.source;
  const resource = theContract().resource((source?.required === true ? source.reference : undefined) ?? '');
  const { data } = useQuery(readQuery(resource?.list ?? 'getTenant', { pageSize: 1 }, may(resource?.list)));
  const [first] = itemsAt(data, resource?.items ?? '');
  return source && first ? { [source.name]: first['id'] } : {};
}

/** The field that holds a key, and the reference to the record that lists it: `stage`, and `pipelineId` with its `stages`. */
function listedKey(fields: readonly FormField[]) {
  return fields.flatMap((field) => {
    const source = fields.find(({ reference }) => listedIn(reference, field) !== undefined);
    return source?.reference === undefined ? [] : [{ field, source, list: listedIn(source.reference, field) ?? '' }];
  })[0];
}

/** The list of a resource's records whose items have the keys that a field holds. */
function listedIn(resource: string | undefined, { name, type }: FormField): string | undefined {
  const message = theContract().resource(resource ?? '')?.message;
  const list = theContract()
    .fields(message)
    .find((field) => field.name === `${name}s` && field.type === 'message');
  return type === 'text' && theContract().field(list?.of ?? '', 'key') ? list?.name : undefined;
}

/** The record; one that was deleted is found by the list, which can show those. */
async function read(resource: Resource, parents: Json, id: string, signal: AbortSignal): Promise<Json> {
  const get = resource.get ?? '';
  try {
    return await call(get, itemParameters(get, parents, id), { signal });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404 || resource.undelete === undefined || !resource.isRecord)
      throw error;
    const list = await call(
      resource.list,
      { ...parents, filter: `id = "${id}"`, showDeleted: true, pageSize: 1 },
      { signal },
    );
    const [found] = itemsAt(list, resource.items);
    if (!found) throw error;
    return found;
  }
}

/** The list of the changes of one record. A resource without a history has that of none, which is not read. */
function historyOf(resource: Resource): Resource {
  return { ...resource, list: resource.history ?? resource.list, items: 'changes' };
}

/** Whether a record has a value at a field: nothing, an empty text and an empty list are none. */
export function hasValue(record: Json, field: FormField): boolean {
  return !isEmpty(valueAt(record, field.name));
}

/** Such as `customers/019a…`. */
export function nameOfRecord({ resource, parents, id }: Item): string {
  const object = textAt(parents, 'object');
  return object === '' ? `${resource.name}/${id}` : `objectRecords/${id}`;
}
