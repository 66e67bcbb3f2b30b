import { camelCase, type RestRoute } from '@rapport/contracts';

type Message = Record<string, unknown>;

/** Most records of one read or write that get a tag each. Beyond that, loading again is cheaper than comparing. */
const maxRecords = 100;

/**
 * The tags that the answer of a read depends on: a record on its own tag and on the one that only writes to the whole type
 * invalidate, a list on the one that every write to the type invalidates. A write invalidates an answer when they share a tag.
 */
export type TagsOfRead = (tenantId: string, request: Message) => string[];

/** The tags that a write invalidates. Without an answer the ids of new records are unknown: the whole type. */
export type TagsOfWrite = (tenantId: string, request: Message, answer: Message | undefined) => string[];

/** @returns undefined for a method whose answers the contract does not let the edge cache */
export function tagsOfRead({ method }: RestRoute): TagsOfRead | undefined {
  const { cache } = method.policy;
  if (!cache || cache.ttlSeconds === 0) return undefined;
  if (cache.tags.length === 0)
    throw new Error(`${method.path}: a cached answer needs a tag, or no write could invalidate it.`);
  if (
    cache.filterTags.length + cache.pathTags.length > 0 &&
    !method.desc.input.fields.some(({ name }) => name === 'filter')
  )
    throw new Error(`${method.path}: filter_tags and path_tags are for a request with a \`filter\`.`);
  const plain = cache.tags.map(parseTag);
  const filtered = [...plain, ...cache.filterTags.map(parseTag)];
  const ofOthers = [...filtered, ...cache.pathTags.map(parseTag)];
  const tagsOf = (tenantId: string, request: Message, { type, path }: TagTemplate) => {
    const ids = path && idsAt(request, path);
    if (!ids || ids.length === 0 || ids.length > maxRecords) return [anyRecord(tenantId, type)];
    return [...new Set(ids)].map((id) => oneRecord(tenantId, type, id)).concat(wholeType(tenantId, type));
  };
  return (tenantId, request) => {
    const { filter } = request;
    const tags = typeof filter !== 'string' || filter === '' ? plain : mayLeadToOthers(filter) ? ofOthers : filtered;
    const [only, ...others] = tags;
    if (only && others.length === 0) return tagsOf(tenantId, request, only);
    return [...new Set(tags.flatMap((tag) => tagsOf(tenantId, request, tag)))];
  };
}

/** @returns undefined when the method changes nothing that is cached */
export function tagsOfWrite({ method, fields, answerUsage }: RestRoute): TagsOfWrite | undefined {
  const tags = method.policy.invalidates.map(parseTag);
  if (tags.length === 0) return undefined;
  if (answerUsage !== 'message')
    throw new Error(`${method.path}: it is not known at which message of a stream a write is done.`);
  const body = fields.body?.jsonName;
  return (tenantId, request, answer) => {
    if (onlyValidates(request) || (body !== undefined && onlyValidates(request[body]))) return [];
    return [...new Set(tags.flatMap(({ type, path }) => invalidatedTags(tenantId, type, path, request, answer)))];
  };
}

/** The tags that the change of one record invalidates, or without an id the change of any number of them. */
export function tagsOfChange(tenantId: string, type: string, id: string | undefined): string[] {
  return [anyRecord(tenantId, type), id === undefined ? wholeType(tenantId, type) : oneRecord(tenantId, type, id)];
}

/** The tenants whose records of a type have changed, by the tags that were invalidated. */
export function tenantsWithChangesOf(type: string, tags: readonly string[]): string[] {
  // Every change of a type invalidates this one.
  const ending = anyRecord('', type);
  return tags.filter((tag) => tag.endsWith(ending)).map((tag) => tag.slice(0, -ending.length));
}

function invalidatedTags(
  tenantId: string,
  type: string,
  path: string[] | undefined,
  request: Message,
  answer: Message | undefined,
): string[] {
  const inRequest = path && idsAt(request, path);
  const ids = inRequest?.length ? inRequest : path && answer && idsAt(answer, path);
  if (!ids || ids.length > maxRecords) return tagsOfChange(tenantId, type, undefined);
  return ids.flatMap((id) => tagsOfChange(tenantId, type, id));
}

/**
 * Whether a filter may compare fields of other records: every path to them has a dot. A dot in a value is mistaken for one,
 * which costs only a cached answer.
 */
function mayLeadToOthers(filter: string): boolean {
  return filter.replaceAll(/\b(customFields|custom_fields)\.\w+(?![\w.])/g, '').includes('.');
}

/** A tag as the contract has it: `type` or `type:{field}`. */
interface TagTemplate {
  type: string;
  /** JSON names of the fields that lead to the ids. */
  path: string[] | undefined;
}

function parseTag(text: string): TagTemplate {
  const [, type, placeholder] = /^([a-z][a-z0-9_]*)(?::\{([a-z0-9_.]+)\})?$/.exec(text) ?? [];
  if (!type) throw new Error(`${text} is not a tag.`);
  return { type, path: placeholder?.split('.').map(camelCase) };
}

/** The ids at the end of a path, through every item of the lists on it. Undefined when the path breaks off outside a list. */
function idsAt(message: Message, path: readonly string[]): string[] | undefined {
  const [first = '', ...others] = path;
  // Of most methods the request names one record.
  const value = message[first];
  if (others.length === 0 && typeof value === 'string' && value !== '') return [value];
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

function oneRecord(tenantId: string, type: string, id: string): string {
  return `${tenantId}/${type}:${id}`;
}

function anyRecord(tenantId: string, type: string): string {
  return `${tenantId}/${type}`;
}

function wholeType(tenantId: string, type: string): string {
  return `${tenantId}/${type}*`;
}

class TagVersion {
  version = 0;
  holders = 0;

  constructor(readonly tag: string) {}
}

/**
 * The versions of cache tags in this process. A load takes a snapshot of the versions of its tags before it begins; a write
 * increments those of the tags that it invalidates. Its answer is current as long as no version has changed since. Only the
 * tags of cached answers and of loads in flight take memory: invalidating any other tag stores nothing.
 */
export class TagVersions {
  readonly #byTag = new Map<string, TagVersion>();
  /** In every snapshot. */
  readonly #all = new TagVersion('');

  /** @param onInvalidation called with the tags that were invalidated */
  constructor(private readonly onInvalidation: (tags: readonly string[]) => void = () => undefined) {}

  /** How many tags take memory. */
  get size(): number {
    return this.#byTag.size;
  }

  /** Take it before the load begins, and release it when the answer is dropped. */
  snapshot(tags: readonly string[]): TagSnapshot {
    const held = [this.#all];
    for (const tag of tags) {
      let version = this.#byTag.get(tag);
      if (!version) this.#byTag.set(tag, (version = new TagVersion(tag)));
      version.holders++;
      held.push(version);
    }
    return new TagSnapshot(
      held,
      held.map(({ version }) => version),
      () => this.#release(held),
    );
  }

  /** Makes every answer stale that has any of these tags and whose load began before. */
  invalidate(tags: readonly string[]): void {
    for (const tag of tags) {
      const version = this.#byTag.get(tag);
      if (version) version.version++;
    }
    this.onInvalidation(tags);
  }

  invalidateAll(): void {
    this.#all.version++;
  }

  #release(held: readonly TagVersion[]): void {
    for (const version of held) {
      if (version !== this.#all && --version.holders === 0) this.#byTag.delete(version.tag);
    }
  }
}

/** The versions of an answer's tags before its load began. */
export class TagSnapshot {
  #isReleased = false;

  constructor(
    private readonly held: readonly TagVersion[],
    private readonly versions: readonly number[],
    private readonly onRelease: () => void,
  ) {}

  /** How many tags it has. */
  get size(): number {
    return this.held.length - 1;
  }

  /** False when anything that the answer depends on has been written since. */
  get isCurrent(): boolean {
    const { held, versions } = this;
    for (let index = 0; index < held.length; index++) {
      if (held[index]?.version !== versions[index]) return false;
    }
    return true;
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.onRelease();
  }
}
