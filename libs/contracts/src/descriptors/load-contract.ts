import {
  createFileRegistry,
  fromBinary,
  type DescEnum,
  type DescEnumValue,
  type DescField,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
} from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { FieldBehavior } from '../gen/google/api/field_behavior.js';
import { HttpRule } from '../gen/google/api/http.js';
import { ResourceDescriptor, ResourceReference } from '../gen/google/api/resource.js';
import { FieldIndex, FieldRules, Policy, RecordOptions } from '../gen/rapport/api/v1/options.js';
import { readComments } from './comments.js';

/** All declarations of the proto files, with Rapport's options and comments. */
export class Contract {
  readonly methods: readonly ContractMethod[];
  /** Messages that are stored as records. */
  readonly recordMessages: readonly DescMessage[];
  /** Messages that are resources: records, and what else fields refer to, such as users. */
  readonly resourceMessages: readonly DescMessage[];
  readonly #byPath: ReadonlyMap<string, ContractMethod>;
  /** Numbers of the options. */
  readonly #options: Record<
    'http' | 'policy' | 'rules' | 'behavior' | 'record' | 'maxDepth' | 'index' | 'resource' | 'reference',
    number
  >;
  readonly #rules = new Map<DescField, FieldRules>();
  readonly #commented: () => Uint8Array;
  #comments: ReadonlyMap<string, ReadonlyMap<string, string>> | undefined;

  /**
   * @param fileDescriptorSet a serialised google.protobuf.FileDescriptorSet
   * @param commented the same with source info, which is read for the first comment; `fileDescriptorSet` when absent
   */
  constructor(fileDescriptorSet: Uint8Array, commented = () => fileDescriptorSet) {
    this.#commented = commented;
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, fileDescriptorSet));
    this.#options = {
      http: optionNumber(registry, 'google.api.http'),
      policy: optionNumber(registry, 'rapport.api.v1.policy'),
      rules: optionNumber(registry, 'rapport.api.v1.rules'),
      behavior: optionNumber(registry, 'google.api.field_behavior'),
      record: optionNumber(registry, 'rapport.api.v1.record'),
      maxDepth: optionNumber(registry, 'rapport.api.v1.max_depth'),
      index: optionNumber(registry, 'rapport.api.v1.index'),
      resource: resourceOptions.resource,
      reference: resourceOptions.reference,
    };
    this.methods = [...registry.files]
      .flatMap((file) => file.services)
      .flatMap((service) => service.methods.map((method) => this.#readMethod(method)))
      .filter((method) => method !== undefined);
    const messages = [...registry.files].flatMap((file) => file.messages);
    this.recordMessages = messages.filter((message) => optionBytes(message, this.#options.record));
    this.resourceMessages = messages.filter((message) => optionBytes(message, this.#options.resource));
    this.#byPath = new Map(this.methods.map((method) => [method.path, method]));
  }

  /** @param path full gRPC path, such as `/rapport.customers.v1.CustomersService/GetCustomer` */
  method(path: string): ContractMethod | undefined {
    return this.#byPath.get(path);
  }

  /** The longest deadline of any method, in milliseconds: no call is running for longer. */
  get longestCallMs(): number {
    return Math.max(60_000, ...this.methods.map(({ policy }) => policy.deadlineMs));
  }

  /** The rules of a field; all unset without the option. */
  rules(field: DescField): FieldRules {
    let rules = this.#rules.get(field);
    if (!rules) {
      rules = FieldRules.decode(optionBytes(field, this.#options.rules) ?? new Uint8Array());
      this.#rules.set(field, rules);
    }
    return rules;
  }

  is(field: DescField, behavior: FieldBehavior): boolean {
    return optionNumbers(field, this.#options.behavior).includes(behavior);
  }

  /** The record options of a message; undefined for a message that is not stored as records. */
  record(message: DescMessage): RecordOptions | undefined {
    const bytes = optionBytes(message, this.#options.record);
    return bytes && RecordOptions.decode(bytes);
  }

  /** Most levels of messages of a type within each other; undefined for messages without such a limit. */
  maxDepth(message: DescMessage): number | undefined {
    return optionNumbers(message, this.#options.maxDepth)[0];
  }

  /** The index options of a field: term, order, group, sum; all unset without the option. */
  index(field: DescField): FieldIndex {
    return FieldIndex.decode(optionBytes(field, this.#options.index) ?? new Uint8Array());
  }

  /** The names of a resource; undefined for other messages. */
  resource(message: DescMessage): ResourceDescriptor | undefined {
    const bytes = optionBytes(message, this.#options.resource);
    return bytes && ResourceDescriptor.decode(bytes);
  }

  /** The type of the resource that a field references, such as `rapport/Customer`; undefined for other fields. */
  reference(field: DescField): string | undefined {
    const bytes = optionBytes(field, this.#options.reference);
    return bytes && ResourceReference.decode(bytes).type;
  }

  comment(desc: DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue): string {
    this.#comments ??= readComments(this.#commented());
    return this.#comments.get(fileName(desc))?.get(sourcePath(desc).join(',')) ?? '';
  }

  /** Undefined for a method without a policy, which can't be called. */
  #readMethod(method: DescMethod): ContractMethod | undefined {
    const policyBytes = optionBytes(method, this.#options.policy);
    if (!policyBytes) return undefined;
    const policy = Policy.decode(policyBytes);
    const path = `/${method.parent.typeName}/${method.name}`;
    if ([policy.permission !== '', policy.public, policy.internal].filter(Boolean).length !== 1)
      throw new Error(`${path}: needs one of permission, public and internal.`);
    const httpBytes = optionBytes(method, this.#options.http);
    const http = httpBytes && HttpRule.decode(httpBytes);
    return {
      path,
      name: method.name,
      service: method.parent,
      desc: method,
      policy,
      http,
      isRead: policy.reads || Boolean(http?.get),
      requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
      responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    };
  }
}

/** One method that may be called. */
export interface ContractMethod {
  path: string;
  name: string;
  service: DescService;
  desc: DescMethod;
  policy: Policy;
  http: HttpRule | undefined;
  /** Whether the method commits nothing that its caller waits for. */
  isRead: boolean;
  requestStream: boolean;
  responseStream: boolean;
}

/** Options of google/api/resource.proto, which only a contract with records has to import. */
const resourceOptions = { resource: 1053, reference: 1055 };

function optionNumber(registry: FileRegistry, name: string): number {
  const found = registry.getExtension(name);
  if (!found) throw new Error(`The descriptors lack ${name}.`);
  return found.number;
}

/**
 * The bytes of an option that is a message; undefined when it is not set. Options are fields that descriptor.proto does not know. They
 * are decoded by ts-proto's code: protobuf-es' `getOption` makes a message type for each value, which took a third of a start.
 */
function optionBytes(desc: DescMethod | DescField | DescMessage, option: number): Uint8Array | undefined {
  const parts = unknownFields(desc, option).map(({ data }) => new BinaryReader(data).bytes());
  // The parts of a message concatenate to the whole: https://protobuf.dev/programming-guides/encoding/#last-one-wins
  return parts.length > 1 ? Buffer.concat(parts) : parts[0];
}

/** The values of an option that is a number or an enum: one, or several, packed or not. */
function optionNumbers(desc: DescField | DescMessage, option: number): number[] {
  return unknownFields(desc, option).flatMap(({ data, wireType }) => {
    const reader = new BinaryReader(data);
    if (wireType === WireType.LengthDelimited) reader.uint32();
    const values: number[] = [];
    while (reader.pos < reader.len) values.push(reader.int32());
    return values;
  });
}

function unknownFields(desc: DescMethod | DescField | DescMessage, number: number) {
  return (desc.proto.options?.$unknown ?? []).filter(({ no }) => no === number);
}

function fileName(desc: DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue): string {
  return desc.kind === 'rpc' || desc.kind === 'field' || desc.kind === 'enum_value'
    ? fileName(desc.parent)
    : desc.file.name;
}

/** Path of a descriptor in its file: field numbers and indexes as in google.protobuf.SourceCodeInfo. */
function sourcePath(desc: DescService | DescMethod | DescMessage | DescField | DescEnum | DescEnumValue): number[] {
  switch (desc.kind) {
    case 'service':
      return [6, desc.file.services.indexOf(desc)];
    case 'rpc':
      return [...sourcePath(desc.parent), 2, desc.parent.methods.indexOf(desc)];
    case 'message':
      return desc.parent
        ? [...sourcePath(desc.parent), 3, desc.parent.nestedMessages.indexOf(desc)]
        : [4, desc.file.messages.indexOf(desc)];
    case 'field':
      return [...sourcePath(desc.parent), 2, desc.parent.fields.indexOf(desc)];
    case 'enum':
      return desc.parent
        ? [...sourcePath(desc.parent), 4, desc.parent.nestedEnums.indexOf(desc)]
        : [5, desc.file.enums.indexOf(desc)];
    case 'enum_value':
      return [...sourcePath(desc.parent), 2, desc.parent.values.indexOf(desc)];
  }
}
