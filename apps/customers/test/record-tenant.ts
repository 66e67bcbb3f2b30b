import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { FieldOrder } from '@rapport/contracts/rapport/api/v1/options';
import { ExportFormat } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type { Caller } from '@rapport/platform';
import type { RecordType } from '../src/engine/fields/record-type.js';
import { newCaller, type SharedCustomers } from './running-customers.js';

export type Answer = Record<string, unknown>;
export type Message = Answer & { id: string; etag: string; createTime?: string };

/** The parameters of the suite for a record type. */
export interface SuiteSubject {
  type: RecordType;
  /**
   * Prerequisites of a tenant's records; returns the content of the record with a number, different for each number.
   */
  prepare: (service: SharedCustomers, caller: Caller) => Promise<(number: number) => Answer>;
  /** JSON name of a text that is searchable, sortable, and personal data. */
  text: string;
  /** JSON name of a field that a concurrent update changes. */
  other: string;
  /** Key of the parent of these records. */
  parentKey?: string;
  /** JSON name of the reference to the person that a record is about; undefined when the record itself is a person. */
  person?: string;
  /** Content that makes a record refer to a person, where the reference is not set by callers. */
  about?: (personId: string) => Answer;
}

/** A tenant, and the standard methods for the records of one type. */
export class RecordTenant {
  readonly caller: Caller = newCaller();
  readonly single: string;
  readonly many: string;
  #content: (number: number) => Answer = () => ({});

  private constructor(
    readonly service: SharedCustomers,
    readonly type: RecordType,
    private readonly parentKey: string | undefined,
  ) {
    this.single = capitalized(type.singular);
    this.many = capitalized(type.plural);
  }

  static async create(service: SharedCustomers, { type, parentKey, prepare }: SuiteSubject): Promise<RecordTenant> {
    const tenant = new RecordTenant(service, type, parentKey);
    tenant.#content = await prepare(service, tenant.caller);
    return tenant;
  }

  /** Calls a method by name, untyped. */
  call(name: string, request: Answer, as = this.caller): Promise<Answer> {
    const named = { ...this.parent, ...request };
    return this.service.call(name as 'getCustomer', named, as) as unknown as Promise<Answer>;
  }

  /** The request field with the parent. */
  get parent(): Answer {
    const { parent } = this.type.contract;
    return parent === undefined ? {} : { [parent]: this.parentKey };
  }

  /** The type in imports and custom fields. */
  get recordType(): string {
    return this.parentKey === undefined ? this.type.singular : `${this.type.contract.permission}.${this.parentKey}`;
  }

  /** The content of the record with a number. */
  content(number: number): Answer {
    return this.#content(number);
  }

  /** The record with a number, as in a request. */
  record(number: number, given: Answer = {}): Answer {
    return { ...this.type.empty(), ...this.content(number), ...given };
  }

  async create(number: number, given: Answer = {}, as = this.caller): Promise<Message> {
    return (await this.call(
      `create${this.single}`,
      { [this.type.singular]: this.record(number, given) },
      as,
    )) as Message;
  }

  async get(id: string, as = this.caller, asOf?: string): Promise<Message> {
    return (await this.call(`get${this.single}`, { id, asOf }, as)) as Message;
  }

  async update(id: string, changes: Answer, etag?: string): Promise<Message> {
    const record = { ...this.type.empty(), ...changes };
    const request = { id, [this.type.singular]: record, updateMask: Object.keys(changes), etag };
    return (await this.call(`update${this.single}`, request)) as Message;
  }

  remove(id: string, as = this.caller): Promise<Answer> {
    return this.call(`delete${this.single}`, { id }, as);
  }

  async undelete(id: string): Promise<Message> {
    return (await this.call(`undelete${this.single}`, { id })) as Message;
  }

  page(request: Answer, as = this.caller): Promise<Answer> {
    return this.call(`list${this.many}`, { pageSize: 200, ...request }, as);
  }

  async list(request: Answer, as = this.caller): Promise<Message[]> {
    return (await this.page(request, as))[this.type.plural] as Message[];
  }

  /** Names of the columns by which live records can be ordered. */
  orders(): string[] {
    return this.type.contract.fields.flatMap(({ column, index }) =>
      [FieldOrder.LIVE, FieldOrder.ALL].includes(index.order) ? [column] : [],
    );
  }

  /** Every record, in the JSON export. */
  async exported(): Promise<Answer[]> {
    const options = { context: this.service.outgoing(this.caller), deadlineMs: 20_000 };
    const pieces: Uint8Array[] = [];
    const request = { ...this.parent, format: ExportFormat.NDJSON, columns: [] };
    for await (const piece of this.service.streams.stream(this.type.method('export').path, request, options)) {
      pieces.push((piece as HttpBody).data);
    }
    const lines = Buffer.concat(pieces).toString().trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Answer);
  }
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
