import { itemParameters } from '../../app/resource.ts';
import { call, Problem } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';

interface Read {
  id: string;
  done: (record: Json | null) => void;
  failed: (error: unknown) => void;
}

/** Most ids of one call: a filter takes 100 values. */
const mostIds = 100;

const waiting = new Map<string, Read[]>();

/** A record for its name, which may be null where the session does not see it. What is asked for together is read in one call. */
export function readNamed(resource: string, id: string): Promise<Json | null> {
  if (resource === 'objectRecords') return findObjectRecord(id);
  return new Promise((done, failed) => {
    const reads = waiting.get(resource) ?? [];
    if (reads.length === 0) setTimeout(() => readAll(resource), 5);
    waiting.set(resource, [...reads, { id, done, failed }]);
  });
}

/** Ids are shown in place of names that the session may not read. */
export function noneIfForbidden(error: unknown): Json {
  if (error instanceof Problem && error.status === 403) return {};
  throw error;
}

/** A record of a custom object of which only the id is known: it is sought in each object. */
async function findObjectRecord(id: string): Promise<Json> {
  const objects = itemsAt(await call('listCustomObjects'), 'customObjects');
  return Promise.any(objects.map(({ key }) => call('getObjectRecord', { object: key, id })));
}

function readAll(name: string): void {
  const reads = waiting.get(name) ?? [];
  waiting.delete(name);
  const resource = theContract().resource(name);
  if (!resource) return;
  for (let start = 0; start < reads.length; start += mostIds)
    void readSome(resource, reads.slice(start, start + mostIds));
}

/** Never rejects. */
async function readSome(resource: Resource, reads: readonly Read[]): Promise<void> {
  const { get, filters } = resource;
  try {
    await (filters.length === 0 && get !== undefined ? readEach(resource, get, reads) : readByIds(resource, reads));
  } catch (error) {
    for (const { failed } of reads) failed(error);
  }
}

async function readByIds({ list, items }: Resource, reads: readonly Read[]): Promise<void> {
  const ids = [...new Set(reads.map(({ id }) => id))].toSorted();
  const records = byId(await call(list, { filter: `id IN (${ids.join(', ')})`, pageSize: mostIds }), items);
  for (const { id, done } of reads) done(records.get(id) ?? null);
}

/** Resources that are no records, such as flows, take no filter. Those of one workspace are few: most are on the first page. */
async function readEach({ list, items }: Resource, get: string, reads: readonly Read[]): Promise<void> {
  const contract = theContract();
  const isListed = reads.length > 1 && !contract.operation(list).parameters.some(({ required }) => required);
  const parameters = contract.hasParameter(list, 'pageSize') ? { pageSize: mostIds } : {};
  const listed = byId(isListed ? await call(list, parameters).catch(noneIfForbidden) : {}, items);
  for (const { id, done, failed } of reads) {
    const item = listed.get(id);
    if (item) done(item);
    else void call(get, itemParameters(get, {}, id)).then(done, failed);
  }
}

function byId(answer: Json, items: string): Map<string, Json> {
  return new Map(itemsAt(answer, items).map((item) => [textAt(item, 'id'), item]));
}
