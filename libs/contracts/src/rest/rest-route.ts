import type { DescField } from '@bufbuild/protobuf';
import type { ContractMethod } from '../descriptors/load-contract.js';
import type { ReadMask } from '../rules/read-mask.js';
import type { JsonSchema } from './json-schema.js';
import type { PathTemplate } from './path-template.js';

type Message = Record<string, unknown>;
type Json = Record<string, unknown>;

/** The parts of an HTTP request that form the request message, checked against the route's schemas. */
export interface RequestParts {
  params: Json;
  query: Json;
  headers: Json;
  body: unknown;
}

/** One method as a REST endpoint: everything that an HTTP server needs to validate, call, answer and document it. */
export interface RestRoute {
  method: ContractMethod;
  verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: PathTemplate;
  /** The request fields by where HTTP carries them. `body` is undefined without a body, `allHeaders` mostly. */
  fields: {
    path: DescField[];
    query: DescField[];
    header: HeaderField[];
    allHeaders: DescField | undefined;
    body: DescField | undefined;
  };
  /** The path parameter with the owner of the secret that proves a public call. */
  provenBy: string | undefined;
  /** How the body is used: a resource to create, a part of one to change, raw bytes in one message, or in a stream of them. */
  bodyUsage: 'input' | 'patch' | 'bytes' | 'file';
  /** Whether a request without a body is refused. */
  isBodyRequired: boolean;
  /** Most bytes of a body of raw bytes in one message; undefined when the contract does not say. */
  maxBodyBytes: number | undefined;
  /** How the answer is written: as one JSON object, as a stream of them, or as a file in raw bytes. */
  answerUsage: 'message' | 'messages' | 'file';
  /** Whether the answer has no content. */
  isEmpty: boolean;
  status: 200 | 201 | 202 | 204;
  /** Whether a caller with the current etag is answered 304. */
  isConditional: boolean;
  /** The read mask of the answer. */
  readMask: ReadMask | undefined;
  /** The schemas of the parts of a request. A server needs them for the first request, and a document not at all. */
  schemas: {
    params?: MakeSchema;
    querystring: MakeSchema;
    headers?: MakeSchema;
    body?: MakeSchema;
  };
  /** Builds the request message; for a file only its parameters. */
  toMessage: (parts: RequestParts) => Message;
  /** Writes the JSON of an answer, or of one message of a stream of them. */
  toText: (response: Message, parts: RequestParts) => string;
}

/** Makes a schema when it is first called. @throws Error for a contract that has no JSON form */
export type MakeSchema = () => JsonSchema;

/** What an operation costs, in units of a rate: at least one, also when the contract does not say. */
export function costOf({ policy }: Pick<ContractMethod, 'policy'>): number {
  return Math.max(1, policy.cost);
}

export interface HeaderField {
  /** Lower-case header name. */
  name: string;
  field: DescField;
}
