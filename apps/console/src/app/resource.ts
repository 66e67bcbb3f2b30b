import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { readQuery } from '../contract/api.ts';
import { itemsAt, textAt, type Json } from '../contract/json.ts';
import { theContract, type Resource } from '../contract/contract.ts';
import { customFieldOf } from '../kit/form/custom-field.ts';
import type { FormField } from '../kit/form/form-field.ts';
import { isPermitted, useSession } from './session.ts';

/** A collection with the parameters of its path, such as the `object` of records of a custom object. */
export interface Collection {
  resource: Resource;
  parents: Json;
}

/** The collection that the address names; undefined for a name that the contract lacks. */
export function useCollection(): Collection | undefined {
  const { resource: name = 'objects/{object}/records', object } = useParams({ strict: false });
  const parents = useMemo(() => (object === undefined ? {} : { object }), [object]);
  const resource = theContract().resource(name);
  return resource && { resource, parents };
}

/**
 * What the address of a screen says, and what changes a part of it. An empty value takes the part away.
 *
 * @param take what the screen knows of an address; all of it without
 */
export function useAddress<Search extends object>(
  take: (search: Json) => Search = (search) => search as Search,
): [Search, (part: { [Name in keyof Search]?: Search[Name] | undefined }) => void] {
  const search = take(useSearch({ strict: false }));
  const navigate = useNavigate();
  return [
    search,
    (part) => {
      const next = Object.entries({ ...search, ...part }).filter(([, value]) => value !== undefined && value !== '');
      void navigate({ to: '.', search: Object.fromEntries(next), replace: true });
    },
  ];
}

/** The address of a list: `/customers`, or `/objects/machine`. */
export function pathOf({ resource, parents }: Collection): string {
  const object = textAt(parents, 'object');
  return object === '' ? `/${resource.name}` : `/objects/${object}`;
}

/** What imports, changes and custom fields call the records: `customer`, or `objects.machine`. */
export function recordTypeOf({ resource, parents }: Collection): string {
  const object = textAt(parents, 'object');
  return object === '' ? resource.singular : `objects.${object}`;
}

/** The path parameters of an operation on one item: those of its parents, and the id of the item. */
export function itemParameters(operation: string, parents: Json, id: string): Json {
  const places = theContract()
    .operation(operation)
    .parameters.filter((each) => each.in === 'path');
  return Object.fromEntries(places.map(({ name }) => [name, parents[name] ?? id]));
}

/** Whether the session has the permission of an operation, which can be of one object of the workspace. */
export function useMay(parents: Json = {}): (operation: string | undefined) => operation is string {
  const session = useSession();
  return (operation): operation is string =>
    operation !== undefined &&
    isPermitted(session, theContract().operation(operation).permission.replace('{object}', textAt(parents, 'object')));
}

/** The custom fields that the workspace defines for a collection. */
export function useCustomFields(collection: Collection): readonly FormField[] {
  const may = useMay();
  const isAsked = collection.resource.hasCustomFields === true && may('listCustomFields');
  const { data } = useQuery({
    ...readQuery('listCustomFields', { recordType: recordTypeOf(collection) }, isAsked),
    staleTime: 60_000,
  });
  return useMemo(() => itemsAt(data, 'customFields').map(customFieldOf), [data]);
}
