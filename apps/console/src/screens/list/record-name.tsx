import { useQuery } from '@tanstack/react-query';
import { call, itemsAt, readQuery, textAt, type Json } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { titleOf } from '../../hints/hints.ts';
import text from '../../style/text.module.css';

/** The name of a record that another one refers to. Names that are asked for together are read in one call. */
export function RecordName({ resource, id }: { resource: string; id: string }) {
  const { data } = useQuery({
    queryKey: [resource, 'name', id],
    queryFn: () => readLater(resource, id),
    staleTime: 60_000,
    retry: false,
  });
  const known = theContract().resource(resource);
  if (!data || !known) return null;
  const name = titleOf(known, data);
  return (
    <span className={text.two} title={name}>
      {name}
    </span>
  );
}

/** The name of a stage of a pipeline, which records have by its key. */
export function StageName({ value }: { value: string }) {
  const { data } = useQuery({ ...readQuery('listPipelines'), staleTime: 300_000 });
  const stages = itemsAt(data, 'pipelines').flatMap((pipeline) => itemsAt(pipeline, 'stages'));
  return (
    textAt(
      stages.find((stage) => textAt(stage, 'key') === value),
      'name',
    ) || value
  );
}

interface Read {
  id: string;
  done: (record: Json | null) => void;
  failed: (error: unknown) => void;
}

/** Most ids of one call: a filter takes 100 values. */
const mostIds = 100;

const waiting = new Map<string, Read[]>();

function readLater(resource: string, id: string): Promise<Json | null> {
  return new Promise((done, failed) => {
    const reads = waiting.get(resource) ?? [];
    if (reads.length === 0) setTimeout(() => readAll(resource), 5);
    waiting.set(resource, [...reads, { id, done, failed }]);
  });
}

function readAll(resource: string): void {
  const reads = waiting.get(resource) ?? [];
  waiting.delete(resource);
  for (let start = 0; start < reads.length; start += mostIds)
    void readSome(resource, reads.slice(start, start + mostIds));
}

async function readSome(name: string, reads: readonly Read[]): Promise<void> {
  const resource = theContract().resource(name);
  if (!resource) return;
  const { get } = resource;
  // Resources that are no records, such as teams, take no filter.
  if (resource.filters.length === 0 && get !== undefined) {
    for (const { id, done, failed } of reads) void call(get, { id }).then(done, failed);
    return;
  }
  const ids = [...new Set(reads.map(({ id }) => id))].toSorted();
  try {
    const answer = await call(resource.list, { filter: `id IN (${ids.join(', ')})`, pageSize: mostIds });
    const records = new Map(itemsAt(answer, resource.items).map((record) => [textAt(record, 'id'), record]));
    for (const { id, done } of reads) done(records.get(id) ?? null);
  } catch (error) {
    for (const { failed } of reads) failed(error);
  }
}
