/** The facts of the contract that the console is derived from, as `console:generate` writes them. */
export interface ContractFile {
  operations: Operation[];
  /** Collections that can be listed, and what can be done with their items. */
  resources: Resource[];
  /** Fields of messages, by the message's name without its package. */
  messages: Record<string, Field[]>;
  /** Values of enums, without the unspecified one. */
  enums: Record<string, EnumValue[]>;
  /** Types of records of which the change feed and webhooks tell, such as `price_book`. */
  feedTypes: string[];
  /** ISO 3166-1 codes of two letters. */
  countries: string[];
}

export interface Operation {
  /** As in OpenAPI, such as `listCustomers`. */
  id: string;
  verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Such as `/v1/customers/{id}`. */
  path: string;
  /** Name of the service for people, such as `Stage entries`. */
  group: string;
  /** Absent until the sentences are loaded. */
  summary?: string;
  /** Empty for a public operation. It can contain a parameter, such as `objects.{object}.read`. */
  permission: string;
  cost: number;
  /** Objective for the 95th percentile of its latency. */
  objectiveMs?: number;
  parameters: Parameter[];
  /** Message of the body in JSON. */
  body?: string;
  /** `file` is raw bytes, `patch` a JSON Merge Patch. */
  bodyUsage?: 'input' | 'patch' | 'file';
  /** Message of the answer, or of each message of a stream. */
  answer?: string;
  answerUsage: 'message' | 'messages' | 'file' | 'empty';
}

export interface Parameter extends Field {
  in: 'path' | 'query' | 'header';
}

export type FieldType =
  | 'text'
  | 'bool'
  | 'int'
  | 'number'
  | 'time'
  | 'date'
  | 'enum'
  | 'message'
  | 'object'
  | 'bytes'
  | 'mask';

export interface Field {
  /** In JSON, such as `displayName`. */
  name: string;
  type: FieldType;
  /** Name of the enum or message. */
  of?: string;
  list?: true;
  required?: true;
  /** Set by the server. */
  output?: true;
  /** Set once, when the record is created. */
  once?: true;
  /** Personal data, which some callers see masked. */
  personal?: true;
  /** Shown once, in the answer that creates it. */
  secret?: true;
  /** Resource that the value is an id of, such as `customers`. */
  reference?: string;
  /** Resource whose items the value is a key of, such as `topics`; `pipelines` for a stage of one. */
  keys?: string;
  /**
   * The ISO 4217 code of a currency, the ISO 3166-1 code of a country, the IANA name of a time zone, the BCP 47 tag of a language,
   * `customers.read`, or `customer.created`.
   */
  code?: 'currency' | 'country' | 'timeZone' | 'language' | 'permission' | 'eventType';
  maxLength?: number;
  /** The value of an enum that the server sets where a request has none. */
  default?: string;
  /** First sentence of the comment. Absent until the sentences are loaded. */
  help?: string;
}

export interface EnumValue {
  name: string;
}

/** First sentences of the comments of the contract, by ids of operations and names of messages. */
export interface Sentences {
  summaries: Record<string, string | undefined>;
  parameters: Record<string, Record<string, string>>;
  fields: Record<string, Record<string, string>>;
}

export interface Resource {
  /** Path below `/v1/`, such as `customers` or `objects/{object}/records`. */
  name: string;
  /** Such as `customer`. */
  singular: string;
  message: string;
  /** Field of the list's answer that has the items. */
  items: string;
  /** Ids of its operations. */
  list: string;
  get?: string;
  create?: string;
  update?: string;
  delete?: string;
  undelete?: string;
  history?: string;
  aggregate?: string;
  export?: string;
  import?: string;
  batchUpdate?: string;
  batchDelete?: string;
  /** Other operations on one item, such as `mergeCustomers`. */
  verbs: string[];
  /** Lists below one item, such as `listConsents`. */
  children: string[];
  /** Whether it is stored as records: with filters, history and associations. */
  isRecord: boolean;
  hasCustomFields?: true;
  filters: FilterFact[];
  /** Paths of fields that a list can be ordered by. */
  orders: string[];
  /** Paths of fields that an aggregate can be grouped by. */
  groups: string[];
}

export interface FilterFact {
  /** In filters, such as `lifecycleStage`. */
  path: string;
  type: 'term' | 'enum' | 'id' | 'owner' | 'time' | 'value' | 'name' | 'key' | 'related';
  /** Values of an enum. */
  of?: string;
  /** The usual one first. */
  operators: string[];
  /** Where a text can have `*`: `abc*`, `*abc` and `*abc*`. */
  patterns?: string[];
  /** Whether it has the id of a user, so that `me` stands for the one who asks. */
  isUser?: boolean;
}

/** The contract as the console asks it. */
export class Contract {
  readonly resources: readonly Resource[];
  readonly operations: readonly Operation[];
  readonly #file: ContractFile;
  readonly #operations: ReadonlyMap<string, Operation>;
  readonly #resources: ReadonlyMap<string, Resource>;

  constructor(file: ContractFile) {
    this.#file = file;
    this.operations = file.operations;
    this.resources = file.resources;
    this.#operations = new Map(file.operations.map((each) => [each.id, each]));
    this.#resources = new Map(file.resources.map((each) => [each.name, each]));
  }

  /** @throws Error for an id that the contract lacks */
  operation(id: string): Operation {
    const operation = this.#operations.get(id);
    if (!operation) throw new Error(`The contract has no operation ${id}.`);
    return operation;
  }

  hasOperation(id: string): boolean {
    return this.#operations.has(id);
  }

  hasParameter(id: string, name: string): boolean {
    return this.#operations.get(id)?.parameters.some((parameter) => parameter.name === name) ?? false;
  }

  /** @param name such as `customers` or `objects/{object}/records` */
  resource(name: string): Resource | undefined {
    return this.#resources.get(name);
  }

  /** The resource of a type of records, such as `customer`. */
  recordType(type: string): Resource | undefined {
    return this.resources.find(({ singular, isRecord }) => isRecord && singular === type);
  }

  /** All permissions but those of single custom objects. */
  get permissions(): string[] {
    const all = new Set(this.operations.map(({ permission }) => permission));
    return [...all].filter((permission) => permission !== '' && !permission.includes('{')).toSorted();
  }

  /** Such as `DE`. */
  get countries(): readonly string[] {
    return this.#file.countries;
  }

  /** Such as `price_book`. */
  get feedTypes(): readonly string[] {
    return this.#file.feedTypes;
  }

  /** Fields of a message; none for one that the contract lacks. */
  fields(message: string | undefined): readonly Field[] {
    return this.#file.messages[message ?? ''] ?? [];
  }

  field(message: string, name: string): Field | undefined {
    return this.fields(message).find((field) => field.name === name);
  }

  /** Whether a message has a value that is shown once. */
  hasSecret(message: string | undefined): boolean {
    return this.fields(message).some(({ secret }) => secret === true);
  }

  enumValues(name: string | undefined): readonly EnumValue[] {
    return this.#file.enums[name ?? ''] ?? [];
  }

  /** Adds the sentences to the operations and fields. */
  explain({ summaries, parameters, fields }: Sentences): void {
    const help = (known: readonly Field[], of: Readonly<Record<string, string>> = {}) => {
      for (const field of known) if (of[field.name] !== undefined) field.help = of[field.name]!;
    };
    for (const operation of this.operations) {
      if (summaries[operation.id] !== undefined) operation.summary = summaries[operation.id]!;
      help(operation.parameters, parameters[operation.id]);
    }
    for (const [name, known] of Object.entries(this.#file.messages)) help(known, fields[name]);
  }
}

let contract: Contract | undefined;

/** Reads the contract, once: the sentences are added to the one that is there. Called before each screen. */
export async function loadContract(): Promise<void> {
  contract ??= new Contract(await readFile<ContractFile>(import('../gen/contract.json?url')));
}

/** Reads the sentences of the contract, and adds them to it. */
export async function loadSentences(): Promise<true> {
  theContract().explain(await readFile<Sentences>(import('../gen/sentences.json?url')));
  return true;
}

/** Reads a file, which has the immutable name of its content. */
async function readFile<Content>(module: Promise<{ default: string }>): Promise<Content> {
  const { default: url } = await module;
  return (await (await fetch(url)).json()) as Content;
}

export function isContractLoaded(): boolean {
  return contract !== undefined;
}

/** @throws Error before `loadContract` has ended */
export function theContract(): Contract {
  if (!contract) throw new Error('The contract is not loaded.');
  return contract;
}
