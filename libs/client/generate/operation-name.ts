import type { RestRoute } from '@rapport/contracts';

/** Where a client has an operation: `resource.method`, or `method` of the client itself. */
export interface OperationName {
  resource: string | undefined;
  method: string;
}

/**
 * Names operations: the resource is the collection in the path, and the method is the custom verb of the path or the first word
 * of the RPC, followed by what a path below the collection adds: `customers.list`, `customers.merge`, `customers.listHistory`.
 * A collection whose items are read below an item of another one is a resource too: `objectRecords.get`.
 */
export function operationNames(routes: readonly RestRoute[]): Map<RestRoute, OperationName> {
  const nested = routes.flatMap(({ path: { template }, method: { name } }) =>
    name.startsWith('Get') ? (/^\/v1\/(\w+\/\{\w+\}\/\w+)\/\{\w+\}$/.exec(template)?.[1] ?? []) : [],
  );
  const names = new Map(routes.map((route) => [route, nameOf(route, nested)]));
  const texts = [...names.values()].map(({ resource, method }) => `${resource}.${method}`);
  const twice = texts.filter((text, index) => texts.indexOf(text) !== index);
  if (twice.length > 0) throw new Error(`Two operations have the name ${twice.join(', ')}.`);
  return names;
}

function nameOf({ path: { template }, method: { name } }: RestRoute, nested: readonly string[]): OperationName {
  const [path = '', customVerb] = template.slice('/v1/'.length).split(':');
  const collection = nested.find((each) => path === each || path.startsWith(`${each}/`)) ?? path.split('/', 1)[0] ?? '';
  const [first = '', second] = collection.split(/\/\{\w+\}\//);
  const resource = second === undefined ? first : `${singular(first)}${capitalised(second)}`;
  const verb = customVerb ?? firstWord(name);
  if (capitalised(resource) === name) return { resource: undefined, method: resource };
  const below = path
    .slice(collection.length)
    .split('/')
    .filter((step) => step !== '' && !step.startsWith('{'));
  if (below.length === 0) return { resource, method: verb };
  const noun = name.toLowerCase().startsWith(verb.toLowerCase())
    ? name.slice(verb.length)
    : capitalised(below.join(''));
  return { resource, method: verb + withoutShared(noun, singular(capitalised(resource))) };
}

/** A noun without the words that it begins with in common with another one. */
function withoutShared(noun: string, other: string): string {
  const [words, others] = [wordsOf(noun), wordsOf(other)];
  const shared = words.findIndex((word, index) => word !== others[index]);
  return words.slice(shared === -1 ? words.length : shared).join('');
}

function wordsOf(text: string): string[] {
  return text.match(/[A-Z][a-z0-9]*/g) ?? [];
}

function firstWord(name: string): string {
  return (wordsOf(name)[0] ?? '').toLowerCase();
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function singular(noun: string): string {
  return noun.replace(/ies$/, 'y').replace(/s$/, '');
}
