import { problemText } from '../../../app/boundaries.tsx';
import { t } from '../../../app/language.ts';
import { call, invalidate } from '../../../contract/api.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../../contract/json.ts';
import { theContract, type Resource } from '../../../contract/contract.ts';
import { notify } from '../../../kit/notices.ts';
import type { RowStates } from '../use-row-states.tsx';

/** Most items of one batch. */
const batchSize = 1_000;

export interface Bulk {
  /** Gives a field of the records a value; `valueOf` where each has its own. */
  set: (field: string, valueOf: (record: Json) => unknown) => Promise<void>;
  remove: () => Promise<void>;
  undelete: () => Promise<void>;
  /** A filter that only the records match. */
  filter: string;
}

/** What is done with several records, one by one: one that fails says so at its row and leaves the others. */
export function useBulk(
  resource: Resource,
  parents: Json,
  records: readonly Json[],
  states: RowStates,
  onDone: () => void,
): Bulk {
  const part = partOf(resource);

  const send = async (operation: string, items: readonly Json[]): Promise<Json[]> => {
    const results: Json[] = [];
    for (let start = 0; start < items.length; start += batchSize) {
      const body = { items: items.slice(start, start + batchSize), mode: 'PER_ITEM' };
      results.push(...itemsAt(await call(operation, parents, { body }), 'results'));
    }
    const faults = results.flatMap((result, index): [string, string][] => {
      if (isDone(result)) return [];
      return [[textAt(items[index], 'id'), problemText(result.problem)]];
    });
    states.fail(new Map(faults));
    return results;
  };
  const update = async (field: string, values: ReadonlyMap<string, unknown>, of: readonly Json[]): Promise<Json[]> => {
    const items = of.map((record) => {
      const id = textAt(record, 'id');
      const value = values.get(id);
      // A value that is taken away is named in the mask alone.
      const change = value === undefined || value === null || value === '' ? {} : { [field]: value };
      return { id, [part]: change, updateMask: [field], etag: textAt(record, 'etag') };
    });
    const results = await send(resource.batchUpdate ?? '', items);
    await invalidate(resource.name);
    return results.filter(isDone).map((result) => (valueAt(result, part) ?? {}) as Json);
  };

  const set: Bulk['set'] = async (field, valueOf) => {
    const before = new Map(records.map((record) => [textAt(record, 'id'), valueAt(record, field)]));
    const changed = await update(
      field,
      new Map(records.map((record) => [textAt(record, 'id'), valueOf(record)])),
      records,
    );
    onDone();
    if (changed.length === 0) return;
    notify(t('list.updated', { count: changed.length }), () => update(field, before, changed));
  };

  const remove = async () => {
    const items = records.map((record) => ({ id: textAt(record, 'id'), etag: textAt(record, 'etag') }));
    const results = await send(resource.batchDelete ?? '', items);
    const ids = results.flatMap((result, index) => (isDone(result) ? [textAt(items[index], 'id')] : []));
    if (resource.undelete !== undefined) states.keep(ids);
    await invalidate(resource.name);
    onDone();
    if (ids.length === 0) return;
    notify(
      t('list.deleted', { count: ids.length }),
      resource.undelete === undefined ? undefined : () => states.undelete(ids),
    );
  };

  const ids = records.map((record) => textAt(record, 'id'));
  return {
    set,
    remove,
    undelete: () => states.undelete(ids).then(onDone),
    filter: `id IN (${ids.join(', ')})`,
  };
}

function isDone(result: Json): boolean {
  return valueAt(result, 'problem') === undefined;
}

/** The field of a batch's item that has the record, such as `customer`. */
function partOf({ batchUpdate, message }: Resource): string {
  if (batchUpdate === undefined) return '';
  const contract = theContract();
  const items = contract.field(contract.operation(batchUpdate).body ?? '', 'items');
  return contract.fields(items?.of).find(({ of }) => of === message)?.name ?? '';
}
