import type { Policy } from '@rapport/contracts/rapport/api/v1/options';

/** One method of a standard service, with the messages that only it or its batch has. */
export interface StandardMethod {
  name: string;
  /** Sentences; paragraphs are divided by an empty line. */
  comment: string;
  /** As a proto file names it, such as `stream rapport.api.v1.ImportRecordsRequest`. */
  request: string;
  response: string;
  http: { verb: 'get' | 'post' | 'patch' | 'delete'; path: string; body?: string };
  policy: Policy;
  messages: readonly PrintedMessage[];
}

export interface PrintedMessage {
  name: string;
  comment: string;
  fields: readonly PrintedField[];
}

export interface PrintedField {
  comment: string;
  /** Such as `optional string etag = 4`. */
  declaration: string;
  isRequired?: boolean;
  /** Of `rapport.api.v1.rules`, such as `max_length: 100`. */
  rules?: readonly string[];
}
