import { configurationError } from '../connector-error.js';
import type { WriteItem, WriteResult } from '../connector.js';
import type { JsonObject, JsonValue, RecordIssue } from '../peer-record.js';
import { unexpected, type Collection, type StoredRecord } from './collection.js';
import { withValueAt, type ExactObject, type ExactValue } from './exact-json.js';
import type { Write } from './find-api.js';
import { isSame, readValue, writeValue } from './record-value.js';
import { refusedNames } from './refused-names.js';
import type { RestAnswer } from './rest-client.js';

type Create = Extract<WriteItem, { kind: 'CREATE' }>;
type Update = Extract<WriteItem, { kind: 'UPDATE' }>;
type Delete = Extract<WriteItem, { kind: 'DELETE' }>;

/** By field name. */
type Sent = Map<string, ExactValue>;

/** Statuses by which a service refuses the content of a record. */
const refusals = [400, 409, 422];

/** Writes the records of one collection, each with requests of its own. */
export class RecordWriter {
  constructor(private readonly collection: Collection) {}

  async write(item: WriteItem): Promise<WriteResult> {
    switch (item.kind) {
      case 'CREATE':
        return this.#create(item);
      case 'UPDATE':
        return this.#update(item);
      case 'DELETE':
        return this.#delete(item);
      default:
        return item satisfies never;
    }
  }

  /** Looks for the key first: not every service enforces uniqueness, and the answer of an earlier attempt may be lost. */
  async #create({ key, fields }: Create): Promise<WriteResult> {
    const { client, api } = this.collection;
    if (!api.create || !api.key) {
      return rejected('This connection creates no records: it has no keyField, or the API no operation for it.');
    }
    const sent = this.#sent(fields, api.create);
    if ('issues' in sent) return { kind: 'REJECTED', issues: sent.issues };
    const existing = await this.collection.ofKey(key);
    if (existing) return conflict(existing.record.id, existing);
    const written = writeValue(api.key, key);
    if ('wrong' in written)
      throw configurationError('/keyField', { reason: 'UNFIT', description: 'The field is no text.' });
    const body = bodyOf(api.create, {}, new Map([...sent, [api.key.name, written.sent]]));
    const answer = await client.send({ method: 'POST', url: client.url(api.create.path), body });
    if (answer.status < 300) {
      const stored = this.collection.stored(answer) ?? (await this.collection.ofKey(key));
      if (stored) return { kind: 'WRITTEN', id: stored.record.id, version: stored.record.version };
      throw configurationError('/findByKey', { reason: 'UNFIT', description: 'It does not find what was created.' });
    }
    const other = refusals.includes(answer.status) ? await this.collection.ofKey(key) : undefined;
    return other ? conflict(other.record.id, other) : refused(answer, [...sent.keys()]);
  }

  async #update({ id, expectedVersion, fields }: Update): Promise<WriteResult> {
    const { api } = this.collection;
    const url = api.update && this.collection.oneUrl(api.update.path, id);
    if (!api.update) return rejected('This connection changes no records: the API has no operation for it.');
    const sent = this.#sent(fields, api.update);
    if ('issues' in sent) return { kind: 'REJECTED', issues: sent.issues };
    const stored = await this.collection.one(id);
    if (!url || stored?.record.version !== expectedVersion) return conflict(id, stored);
    const answer = await this.#sendUpdate(api.update, url, stored, sent);
    if (answer.status < 300) return this.#settled(answer, stored, sent);
    if (answer.status === 404 || answer.status === 410) return { kind: 'CONFLICT', id };
    if (answer.status === 409 || answer.status === 412) {
      const now = await this.collection.one(id);
      // The service refused the new values, not a stale version, if the record is unchanged.
      if (answer.status === 412 || now?.record.version !== expectedVersion) return conflict(id, now);
    }
    return refused(answer, [...sent.keys()]);
  }

  #sendUpdate(update: Write, url: URL, stored: StoredRecord, sent: Sent): Promise<RestAnswer> {
    const before = update.method === 'put' ? this.#kept(stored, update) : around(stored, sent);
    const body = bodyOf(update, before, sent);
    const method = update.method.toUpperCase();
    return this.collection.client.send({ method, url, body, ifMatch: this.#ifMatch(stored) });
  }

  async #delete({ id, expectedVersion }: Delete): Promise<WriteResult> {
    const { client, api } = this.collection;
    const url = api.remove && this.collection.oneUrl(api.remove.path, id);
    if (!api.remove) return rejected('This connection deletes no records: the API has no operation for it.');
    const stored = await this.collection.one(id);
    if (!stored || !url) return { kind: 'WRITTEN', id };
    if (stored.record.version !== expectedVersion) return conflict(id, stored);
    const answer = await client.send({ method: 'DELETE', url, ifMatch: this.#ifMatch(stored) });
    if (answer.status < 300 || answer.status === 404 || answer.status === 410) return { kind: 'WRITTEN', id };
    if (answer.status !== 409 && answer.status !== 412) return refused(answer, []);
    const now = await this.collection.one(id);
    if (!now) return { kind: 'WRITTEN', id };
    return now.record.version === expectedVersion ? refused(answer, []) : conflict(id, now);
  }

  /**
   * Takes the new version from the record in the answer. If the answer has no record, reads it again: the result is WRITTEN only if every
   * writable field has the expected value. Any other value means a concurrent change, so the result is a CONFLICT.
   */
  async #settled(answer: RestAnswer, before: StoredRecord, sent: Sent): Promise<WriteResult> {
    const { id } = before.record;
    const answered = this.collection.stored(answer);
    if (answered?.record.id === id) return { kind: 'WRITTEN', id, version: answered.record.version };
    const now = await this.collection.one(id);
    const isOurs =
      now &&
      this.collection.api.fields
        .filter(({ writable }) => writable)
        .every((field) => {
          const value = sent.get(field.name);
          const wanted = value === undefined ? before.record.fields[field.name] : readValue(field, value);
          return isSame(field, now.record.fields[field.name] ?? null, wanted ?? null);
        });
    return isOurs ? { kind: 'WRITTEN', id, version: now.record.version } : conflict(id, now);
  }

  /** @throws ConnectorError INVALID when the service sends no ETag, though the configuration says so */
  #ifMatch({ etag }: StoredRecord): string | undefined {
    if (!this.collection.api.hasEtags) return undefined;
    if (etag !== undefined) return etag;
    throw configurationError('/preconditions', {
      reason: 'UNFIT',
      description: 'The service gives no ETag with a record.',
    });
  }

  /** The complete body of a PUT, including content without a field, and without read-only properties. */
  #kept({ sent }: StoredRecord, { takes }: Write): ExactObject {
    const { fields, key } = this.collection.api;
    const isTaken = (name: string, writable: boolean) => takes?.has(name) ?? (writable || name === key?.name);
    const isKept = (name: string) => {
      const own = fields.filter((field) => field.name === name || field.name.startsWith(`${name}.`));
      return own.length === 0 || own.some((field) => isTaken(field.name, field.writable));
    };
    return Object.fromEntries(Object.entries(sent).filter(([name]) => isKept(name)));
  }

  /** The JSON of fields. An object combines the fields whose names begin with its name. */
  #sent(fields: JsonObject, write: Write): Sent | { issues: RecordIssue[] } {
    const issues: RecordIssue[] = [];
    const sent: Sent = new Map();
    const take = (name: string, value: JsonValue): void => {
      const field = this.collection.api.fields.find((own) => own.name === name);
      if (!field && isPlainObject(value)) {
        for (const [part, inner] of Object.entries(value)) take(`${name}.${part}`, inner);
      } else if (!field)
        issues.push({ reason: 'UNKNOWN_FIELD', message: 'The records have no such field.', field: name });
      else if (!field.writable || write.takes?.has(name) === false) {
        issues.push({ reason: 'READ_ONLY', message: 'The API does not accept this field.', field: name });
      } else {
        const written = writeValue(field, value);
        if ('wrong' in written) issues.push({ reason: 'INVALID', message: written.wrong, field: name });
        else sent.set(name, written.sent);
      }
    };
    for (const [name, value] of Object.entries(fields)) take(name, value);
    const isNew = write.method === 'post';
    for (const { name, required } of isNew ? this.collection.api.fields : []) {
      if (!required || sent.has(name) || issues.some(({ field }) => field === name)) continue;
      issues.push({ reason: 'REQUIRED', message: 'The API requires it for a new record.', field: name });
    }
    return issues.length > 0 ? { issues } : sent;
  }
}

/** Objects with a changed part are sent whole, because not every service keeps the other parts. */
function around({ sent: record }: StoredRecord, sent: Sent): ExactObject {
  const outer = new Set([...sent.keys()].filter((name) => name.includes('.')).map((name) => name.split('.')[0]));
  return Object.fromEntries(Object.entries(record).filter(([name]) => outer.has(name)));
}

function bodyOf({ bodyPath }: Write, before: ExactObject, sent: Sent): ExactObject {
  const record = [...sent].reduce((object, [name, value]) => withValueAt(object, name, value), before);
  return bodyPath === '.' ? record : withValueAt({}, bodyPath, record);
}

/** @throws ConnectorError for an error that is not about the record */
function refused(answer: RestAnswer, sent: string[]): WriteResult {
  if (![...refusals, 412].includes(answer.status)) throw unexpected(answer.status);
  const message = `The service refuses the value (${answer.status}).`;
  const names = refusedNames(answer.body, sent);
  if (names.length === 0) return rejected(`The service refuses the record (${answer.status}).`, 'REFUSED');
  return { kind: 'REJECTED', issues: names.map((field) => ({ reason: 'REFUSED', message, field })) };
}

function rejected(message: string, reason = 'UNSUPPORTED'): WriteResult {
  return { kind: 'REJECTED', issues: [{ reason, message }] };
}

function conflict(id: string, stored: StoredRecord | undefined): WriteResult {
  return stored ? { kind: 'CONFLICT', id, current: stored.record } : { kind: 'CONFLICT', id };
}

function isPlainObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
