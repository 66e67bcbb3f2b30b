import { useQueries, queryOptions, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { isPermitted, useSession } from '../../app/session.ts';
import { labels } from '../../app/language.ts';
import { call, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { theContract, type Field, type Resource } from '../../contract/contract.ts';
import { hintsOf, titleOf } from '../../hints/hints.ts';
import { Face, join, text } from '../ui.tsx';
import { noneIfForbidden, readNamed } from './read-named.ts';

/** What stands for a record that has no name, such as `01a2…dea0`: the end differs between records that are made together. */
export function shortId(id: string): string {
  return id.length > 12 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}

/** A square for a company, a circle for another party; nothing for what is no party. */
export function shapeOf(record: Json | null | undefined): 'person' | 'company' | undefined {
  const kind = textAt(record ?? {}, 'kind');
  if (kind === 'COMPANY') return 'company';
  return kind === 'PERSON' || textAt(record ?? {}, 'email') !== '' ? 'person' : undefined;
}

/** Of the query that reads one record for its name. */
export function nameKey(resource: string, id: string) {
  return [resource, 'name', id] as const;
}

/** One record, which may be null where the session does not see it. Records that are asked for together are read in one call. */
function recordQuery(resource: string, id: string, isAllowed: boolean) {
  return queryOptions({
    queryKey: nameKey(resource, id),
    queryFn: () => readNamed(resource, id),
    enabled: isAllowed && id !== '',
    staleTime: 60_000,
    retry: false,
  });
}

function useMayRead(): (resource: string) => boolean {
  const session = useSession();
  return (name) => {
    const list = theContract().resource(name)?.list;
    return (
      name === 'objectRecords' || (list !== undefined && isPermitted(session, theContract().operation(list).permission))
    );
  };
}

/** The record with an id; undefined while it is read, and where the session must not. */
export function useRecord(resource: string, id: string): Json | undefined {
  const mayRead = useMayRead();
  return useQuery(recordQuery(resource, id, mayRead(resource))).data ?? undefined;
}

/** The names of records by their ids. */
export function useTitles(resource: string, ids: readonly string[]): ReadonlyMap<string, string> {
  const mayRead = useMayRead();
  return useQueries({
    queries: [...new Set(ids)].map((id) => recordQuery(resource, id, mayRead(resource))),
    combine: (answers) =>
      new Map(
        answers.flatMap(({ data }) =>
          data ? [[textAt(data, 'id'), titleOf(data, theContract().resource(resource))]] : [],
        ),
      ),
  });
}

/** The name of a record that another one refers to: quiet, except as a part of the name of that one. */
export function RecordName({ resource, id, isPart = false }: { resource: string; id: string; isPart?: boolean }) {
  const mayRead = useMayRead();
  const { data, isFetching } = useQuery(recordQuery(resource, id, mayRead(resource)));
  if (isFetching && !data) return null;
  const known = { record: data ?? { id }, resource: theContract().resource(resource) };
  return (
    <span className={isPart ? undefined : text.two} title={`${titleText(known)}\n${id}`}>
      <Title {...known} />
    </span>
  );
}

interface Titled {
  record: Json;
  resource: Resource | undefined;
}

/** The record that another one is named after: the customer of a lead. */
export function useNamesake({ record, resource }: Titled): Json | undefined {
  const title = resource ? hintsOf(resource).title : '';
  const of = theContract().field(resource?.message ?? '', title)?.reference ?? '';
  return useRecord(of, of === '' ? '' : textAt(record, title));
}

/** What a record is called, with names in place of ids: a run is called as its flow. */
export function Title(titled: Titled) {
  const { record, resource } = titled;
  const { title, within = '' } = resource ? hintsOf(resource) : { title: '' };
  const [called, around] = [title, within].map((name) => ({
    id: textAt(record, name),
    of: theContract().field(resource?.message ?? '', name)?.reference,
  }));
  return (
    <>
      {around?.of !== undefined && around.id !== '' && (
        <>
          <RecordName isPart resource={around.of} id={around.id} />
          {': '}
        </>
      )}
      {called?.of !== undefined && called.id !== '' ? (
        <RecordName isPart resource={called.of} id={called.id} />
      ) : (
        titleText(titled)
      )}
    </>
  );
}

/** What a record itself says that it is called, in the reader's language; a short id where it has no name. */
export function titleText({ record, resource }: Titled): string {
  const name = titleOf(record, resource);
  const field = theContract().field(resource?.message ?? '', resource ? hintsOf(resource).title : '');
  if (field?.type === 'enum' || field?.name === 'kind') return labels.value(field.of ?? 'AuditKind', name);
  return name === record.id || field?.reference !== undefined ? shortId(name) : name;
}

/** Whether a value refers to a record: by its type and id, or by a name such as `customer/019a…`. */
export function isRecordRef({ of }: Field): boolean {
  return of === 'RecordRef' || of === 'AuditedRecord';
}

/** The record that a value refers to; nothing for none. */
export function NamedRecord({ value, isPlain = false }: { value: unknown; isPlain?: boolean }) {
  const record = value as Json | undefined;
  const [typeOfName = '', idOfName = ''] = textAt(record, 'name').split('/');
  const id = textAt(record, 'id') || idOfName;
  if (id === '') return null;
  const type = (textAt(record, 'type') || typeOfName).replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  if (['user', 'team', 'apiKey'].includes(type)) return <Principal name={`${type}:${id}`} />;
  const resource = theContract().resources.find(
    ({ singular, name }) => singular.toLowerCase() === type.toLowerCase() && !name.includes('{'),
  )?.name;
  const known = type.split('/')[0] === 'objectRecord' ? 'objectRecords' : resource;
  if (known === undefined)
    return (
      <span title={id}>
        {labels.singular(type)} {shortId(id)}
      </span>
    );
  return isPlain ? <RecordName resource={known} id={id} /> : <Reference resource={known} id={id} />;
}

/** The name of what a collection has by its key: a topic, a status of tickets, a stage of a pipeline. */
export function KeyName({ collection, value }: { collection: string; value: string }) {
  const resource = theContract().resource(collection);
  const mayRead = useMayRead();
  const { data } = useQuery({
    ...readQuery(resource?.list ?? '', { pageSize: 100 }, mayRead(collection)),
    staleTime: 300_000,
  });
  const items = itemsAt(data, resource?.items ?? '');
  const found = [...items, ...items.flatMap((each) => itemsAt(each, 'stages'))].find(({ key }) => key === value);
  // Each workspace has the statuses that are named as the categories.
  const type = collection === 'ticketStatuses' ? 'TicketCategory' : '';
  return titleOf(found) || labels.value(type, value.toUpperCase());
}

/** The face and name of the record with an id, as a link to it. */
export function Reference({ resource, id }: { resource: string; id: string }) {
  const data = useRecord(resource, id);
  const shape = shapeOf(data);
  const known = { record: data ?? { id }, resource: theContract().resource(resource) };
  const title = titleText(known);
  const object = textAt(data, 'object');
  const to: string = object === '' ? `/${resource}/${id}` : `/objects/${object}/${id}`;
  return (
    <Link to={to} className={join(text.link, text.party)} title={`${title}\n${id}`}>
      {shape && <Face name={title} shape={shape} />}
      <span className={text.cut}>
        <Title {...known} />
      </span>
    </Link>
  );
}

export interface Person {
  id: string;
  name: string;
  shape: 'person' | 'company' | 'machine';
}

/** Whether a field names a user, a team or an API key: by its id, or as `user:<id>`. */
export function isPrincipal({ name }: Field): boolean {
  return /^(?:owner(?:Team)?Id|teamId|principalId|userId|actor|(?:created|updated|undone)By)$/.test(name);
}

const shapes: [resource: string, shape: Person['shape']][] = [
  ['users', 'person'],
  ['teams', 'company'],
  ['apiKeys', 'machine'],
];

const noPeople: ReadonlyMap<string, Person> = new Map();

/** Those whose names the session may read: the first 1,000 users, and all teams and API keys. */
export function usePeople(): ReadonlyMap<string, Person> {
  const mayRead = useMayRead();
  const queryFn = async (): Promise<ReadonlyMap<string, Person>> => {
    const lists = shapes.filter(([name]) => mayRead(name)).map(([name, shape]) => readPeople(name, shape));
    return new Map((await Promise.all(lists)).flat().map((person) => [person.id, person]));
  };
  return useQuery({ queryKey: ['users', 'people'], queryFn, staleTime: 300_000, retry: false }).data ?? noPeople;
}

async function readPeople(name: string, shape: Person['shape']): Promise<Person[]> {
  const { list = '', items = '' } = theContract().resource(name) ?? {};
  const isPaged = theContract().hasParameter(list, 'pageSize');
  const found: Person[] = [];
  let pageToken = '';
  do {
    const answer = await call(list, isPaged ? { pageSize: 100, pageToken } : {}).catch(noneIfForbidden);
    found.push(...itemsAt(answer, items).map((item) => ({ id: textAt(item, 'id'), name: titleOf(item), shape })));
    pageToken = textAt(answer, 'nextPageToken');
  } while (pageToken !== '' && found.length < 1_000);
  return found;
}

/**
 * The face and name of who did something or owns a record.
 *
 * @param name with its kind, such as `apiKey:019a…`, or an id alone
 */
export function Principal({ name }: { name: string }) {
  const [, kind = 'user', id = name] = /^(\w+):(.*)$/.exec(name) ?? [];
  const known = usePeople().get(id);
  const other = useRecord(`${kind}s`, known ? '' : id);
  const unnamed = kind === 'apiKey' ? labels.singular(kind) : shortId(id);
  const title = known?.name ?? (titleOf(other) || (id === '' ? name : unnamed));
  return (
    <span className={join(text.party)} title={known ? title : name}>
      <Face name={title} shape={known?.shape ?? (kind === 'user' ? 'person' : 'machine')} />
      <span className={text.cut}>{title}</span>
    </span>
  );
}
