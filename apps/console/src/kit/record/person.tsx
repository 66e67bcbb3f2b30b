import { useQuery } from '@tanstack/react-query';
import { call, itemsAt, Problem, textAt, type Json } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import text from '../../style/text.module.css';
import { Face } from '../ui.tsx';

export interface Person {
  id: string;
  name: string;
  shape: 'person' | 'company' | 'machine';
}

/** Whether a field names a user, a team or an API key: by its id, or as `user:<id>`. */
export function isPersonField(name: string): boolean {
  return /^(?:ownerId|ownerTeamId|teamId|principalId|userId|actor|createdBy|updatedBy)$/.test(name);
}

const people = {
  queryKey: ['users', 'people'],
  queryFn: async (): Promise<ReadonlyMap<string, Person>> => {
    const lists = await Promise.all([
      readPeople('listUsers', 'users', 'person'),
      readPeople('listTeams', 'teams', 'company'),
      readPeople('listApiKeys', 'apiKeys', 'machine'),
    ]);
    return new Map(lists.flat().map((person) => [person.id, person]));
  },
  staleTime: 300_000,
  retry: false,
};

/** Those whose names the session may read: the first 1,000 users, and all teams and API keys. */
export function usePeople(): ReadonlyMap<string, Person> {
  return useQuery(people).data ?? noPeople;
}

const noPeople: ReadonlyMap<string, Person> = new Map();

async function readPeople(operation: string, items: string, shape: Person['shape']): Promise<Person[]> {
  const isPaged = theContract()
    .operation(operation)
    .parameters.some(({ name }) => name === 'pageSize');
  const found: Person[] = [];
  let pageToken = '';
  do {
    const answer = await call(operation, isPaged ? { pageSize: 100, pageToken } : {}).catch(noneIfForbidden);
    for (const item of itemsAt(answer, items)) {
      found.push({ id: textAt(item, 'id'), name: textAt(item, 'displayName') || textAt(item, 'email'), shape });
    }
    pageToken = textAt(answer, 'nextPageToken');
  } while (pageToken !== '' && found.length < 1_000);
  return found;
}

/** Ids are shown in place of names that the session may not read. */
function noneIfForbidden(error: unknown): Json {
  if (error instanceof Problem && error.status === 403) return {};
  throw error;
}

/** The face and name of a user, a team or an API key. */
export function PersonName({ value }: { value: string }) {
  const found = usePeople().get(value.replace(/^\w+:/, ''));
  if (!found) return <code className={text.cut}>{shortId(value)}</code>;
  return (
    <span className={text.row} title={found.name}>
      <Face name={found.name} shape={found.shape} />
      <span className={text.cut}>{found.name}</span>
    </span>
  );
}

/** The end of an id, which differs between records that are made together. */
function shortId(value: string): string {
  return value.replace(/[0-9a-f]{8}-[0-9a-f-]{18}/, '…');
}
