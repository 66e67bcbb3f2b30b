import type { RestRoute } from '@rapport/contracts';

type Message = Record<string, unknown>;

/**
 * Most tags of one read or write that are told apart. Who has more depends on, or has written, the whole type: comparing
 * costs more than loading again.
 */
const maxTags = 100;

/**
 * What the answer of a read depends on, as names of floors: a record on its own floor and on the one that only writes to the
 * whole type raise, a list on the one that every write to the type raises. So a write hits an answer when they share a name.
 */
export type FloorsOfRead = (tenantId: string, request: Message) => string[];

/** The floors that a write raises. Without an answer nobody knows which records the service gave ids to: the whole type. */
export type FloorsOfWrite = (tenantId: string, request: Message, answer: Message | undefined) => string[];

/** @returns undefined when the contract lets nobody keep the answers of a method */
export function floorsOfRead({ method }: RestRoute): FloorsOfRead | undefined {
  const { cache } = method.policy;
  if (!cache || cache.ttlSeconds === 0) return undefined;
  if (cache.tags.length === 0) throw new Error(`${method.path}: a kept answer needs a tag, or no write could end it.`);
  const tags = cache.tags.map(parseTag);
  return (tenantId, request) => [
    ...new Set(
      tags.flatMap(({ type, path }) => {
        const ids = path && idsAt(request, path);
        if (!ids || ids.length === 0 || ids.length > maxTags) return [anyRecord(tenantId, type)];
        return [...ids.map((id) => oneRecord(tenantId, type, id)), wholeType(tenantId, type)];
      }),
    ),
  ];
}

/** @returns undefined when the method changes nothing that is kept */
export function floorsOfWrite({ method, fields, answerUsage }: RestRoute): FloorsOfWrite | undefined {
  const tags = method.policy.invalidates.map(parseTag);
  if (tags.length === 0) return undefined;
  if (answerUsage !== 'message')
    throw new Error(`${method.path}: nobody knows at which message of a stream a write is done.`);
  const body = fields.body?.jsonName;
  return (tenantId, request, answer) => {
    if (onlyValidates(request) || (body !== undefined && onlyValidates(request[body]))) return [];
    return [...new Set(tags.flatMap(({ type, path }) => raisedFloors(tenantId, type, path, request, answer)))];
  };
}

/** The floors that the change of one record raises, or without an id the change of any number of them. */
export function floorsOfChange(tenantId: string, type: string, id: string | undefined): string[] {
  const raised = [anyRecord(tenantId, type)];
  raised.push(id === undefined ? wholeType(tenantId, type) : oneRecord(tenantId, type, id));
  return raised;
}

/** Whose records of a type have changed, by the floors that were raised. */
export function tenantsWithChangesOf(type: string, floors: readonly string[]): string[] {
  // Every change of a type raises this one.
  const ending = anyRecord('', type);
  return floors.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length));
}

function raisedFloors(
  tenantId: string,
  type: string,
  path: string[] | undefined,
  request: Message,
  answer: Message | undefined,
): string[] {
  const inRequest = path && idsAt(request, path);
  const ids = inRequest?.length ? inRequest : path && answer && idsAt(answer, path);
  if (!ids || ids.length > maxTags) return floorsOfChange(tenantId, type, undefined);
  return ids.flatMap((id) => floorsOfChange(tenantId, type, id));
}

interface Tag {
  type: string;
  /** JSON names of the fields that lead to the ids. */
  path: string[] | undefined;
}

function parseTag(text: string): Tag {
  const [, type, placeholder] = /^([a-z][a-z0-9_]*)(?::\{([a-z0-9_.]+)\})?$/.exec(text) ?? [];
  if (!type) throw new Error(`${text} is not a tag.`);
  return { type, path: placeholder?.split('.').map(camelCase) };
}

/** The ids at the end of a path, through every item of the lists on it. Undefined when the path breaks off outside a list. */
function idsAt(message: Message, path: readonly string[]): string[] | undefined {
  let values: unknown[] = [message];
  let throughList = false;
  for (const name of path) {
    const next = values.map((value) => (value as Message | undefined)?.[name]);
    throughList ||= next.some(Array.isArray);
    values = next.flat();
  }
  const ids = values.filter((value): value is string => typeof value === 'string' && value !== '');
  return ids.length > 0 || throughList ? ids : undefined;
}

function onlyValidates(message: unknown): boolean {
  return (message as { validateOnly?: unknown } | undefined)?.validateOnly === true;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function oneRecord(tenantId: string, type: string, id: string): string {
  return `${tenantId}/${type}:${id}`;
}

function anyRecord(tenantId: string, type: string): string {
  return `${tenantId}/${type}`;
}

function wholeType(tenantId: string, type: string): string {
  return `${tenantId}/${type}*`;
}
