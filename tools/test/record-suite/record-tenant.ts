import type { SharedPlatform, Tenant } from '@rapport/testing';
import { expect } from 'vitest';
import { ApiClient } from '../api-client.ts';
import type { Answer } from '../open-api.ts';
import { untilKept } from '../until-kept.ts';
import { contract, readPermissions, type RecordSubject } from './record-subjects.ts';

export type Json = Record<string, unknown>;
export type Message = Json & { id: string };

/** A caller of a tenant, at each of two edges. */
export interface RecordCaller {
  reader: ApiClient;
  writer: ApiClient;
}

/** A tenant with records of one type. The tests read cached answers at one edge and write through the other. */
export class RecordTenant implements RecordCaller {
  readonly reader: ApiClient;
  readonly writer: ApiClient;
  readonly subject: RecordSubject;
  readonly tenant: Tenant;
  readonly #platform: SharedPlatform;
  #needed: Json = {};
  /** What the records of all callers need, by collection. */
  readonly #shared = new Map<string, Promise<Message>>();

  private constructor(
    platform: SharedPlatform,
    subject: RecordSubject,
    tenant: Tenant,
    { reader, writer }: RecordCaller,
  ) {
    [this.#platform, this.subject, this.tenant, this.reader, this.writer] = [platform, subject, tenant, reader, writer];
  }

  static async create(platform: SharedPlatform, subject: RecordSubject): Promise<RecordTenant> {
    const tenant = await platform.createTenant(`Tenant of ${subject.plural}`);
    const client = await ApiClient.connect(platform.edgeUrl, tenant.apiKey);
    const made = new RecordTenant(platform, subject, tenant, atBothEdges(platform, client, tenant.apiKey));
    made.#needed = await made.#prepare();
    return made;
  }

  /** Of one record, or of the collection. */
  path(id = ''): string {
    return `/v1/${this.subject.collection}${id && `/${id}`}`;
  }

  /** A record with a text, as it is sent. */
  content(text: string, more: Json = {}): Json {
    const { text: field, needsUnique, unique } = this.subject;
    return { ...this.#needed, ...(needsUnique && unique()), [field.name]: text, ...more };
  }

  async create(text: string, { more = {}, by = this.writer }: { more?: Json; by?: ApiClient } = {}): Promise<Message> {
    // A caller with a narrow scope needs records that it sees.
    const needed = by === this.writer ? {} : await this.#prepare(by);
    return this.post(this.subject.collection, this.content(text, { ...needed, ...more }), by);
  }

  /** Makes what a record needs. What has no owner is made once, for all callers. */
  #prepare(by = this.writer): Promise<Json> {
    return this.subject.prepare(async (collection, body) => {
      if (['customers', 'deals'].includes(collection)) return (await this.post(collection, body, by)).id;
      const shared = this.#shared.get(collection) ?? this.post(collection, body);
      this.#shared.set(collection, shared);
      return (await shared).id;
    });
  }

  async post(collection: string, body: object, by = this.writer): Promise<Message> {
    return (await this.ok('POST', `/v1/${collection}`, body, by)) as Message;
  }

  /** @returns the body of the answer, which must be a success */
  async ok(method: string, path: string, body?: object, by = this.writer): Promise<Json> {
    const answer = await by.send(method, path, body && { body });
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body as Json;
  }

  /** The text of a record in an answer. */
  textOf(record: unknown): unknown {
    return (record as Json)[this.subject.text.name];
  }

  /** The records of a list. */
  listed({ body }: Pick<Answer, 'body'>): Message[] {
    return (body as Record<string, Message[]>)[this.subject.plural] ?? [];
  }

  /** A caller with its own key, which may read records of every type and write those of this one unless `rights` differ. */
  async withKey(rights: Json): Promise<RecordCaller> {
    const needed = ['customers.write', 'deals.write', this.subject.record.writePermission];
    const permissions = [...readPermissions, ...new Set(needed)];
    const { key } = await this.post('apiKeys', { displayName: 'Limited', permissions, ...rights });
    return atBothEdges(this.#platform, this.reader, String(key));
  }

  /** The query of an upsert that finds a record by its unique values. */
  upsertQuery(): string {
    const { message } = this.subject.record;
    const upsert = contract.methods.find(({ name }) => name === `Upsert${message.name}`);
    // Customers have an enum of what is matched, other types the names of their fields.
    const match = message.name === 'Customer' ? 'EXTERNAL_ID' : 'external_ids';
    const query = new URLSearchParams({ match_system: 'erp', match });
    const known = [...query].filter(([field]) => upsert?.desc.input.fields.some(({ name }) => name === field));
    return `?${known.map(([field, value]) => `${field === 'match' ? field : 'matchSystem'}=${value}`).join('&')}`;
  }
}

/** Reads each path until its answer comes from the edge's cache. */
export function untilAllKept(api: ApiClient, paths: readonly string[]): Promise<Answer[]> {
  return Promise.all(paths.map((path) => untilKept(api, path)));
}

function atBothEdges({ edgeUrls }: SharedPlatform, client: ApiClient, apiKey: string): RecordCaller {
  const [first = '', second = ''] = edgeUrls;
  return { reader: client.of(first, apiKey), writer: client.of(second, apiKey) };
}
