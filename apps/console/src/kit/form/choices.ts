import { useQuery } from '@tanstack/react-query';
import { useMay } from '../../app/resource.ts';
import { readQuery } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { titleOf } from '../../hints/hints.ts';
import type { Option } from './choose.tsx';

/** The first 100 records of a collection, such as the topics of a workspace; none where the session may not read them. */
export function useFirst(name: string, parameters: Json = {}): readonly Json[] {
  const may = useMay();
  const { list = '', items = '' } = theContract().resource(name) ?? {};
  const page = theContract().hasParameter(list, 'pageSize') ? { pageSize: 100 } : {};
  return itemsAt(useQuery(readQuery(list, { ...page, ...parameters }, may(list))).data, items);
}

/** Records as choices, by their ids or another field. */
export function optionsOf(records: readonly Json[], by = 'id'): Option[] {
  return records.map((record) => ({ id: textAt(record, by), name: textAt(record, 'name') || titleOf(record) }));
}
