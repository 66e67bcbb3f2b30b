import type { CallOptions } from './call.js';
import type { ObjectRecord } from './gen/messages.js';
import type { ObjectRecordsResource, UpdateObjectRecordRequest } from './gen/resources.js';
import type { Paged } from './paged.js';
import type { Method, Request } from './run-operation.js';

/** A message in which the custom fields have the types of an object. */
export type WithFields<Message, Fields> = Message extends readonly (infer Item)[]
  ? WithFields<Item, Fields>[]
  : Message extends object
    ? {
        [Name in keyof Message]: Name extends 'customFields'
          ? FieldValues<Message[Name], Fields>
          : WithFields<Message[Name], Fields>;
      }
    : Message;

type FieldValues<Value, Fields> = null extends Value
  ? { [Name in keyof Fields]?: Fields[Name] | null } | null | undefined
  : Partial<Fields> | Extract<Value, undefined>;

type Bound<Method, Fields> = Method extends (request: infer Asked, options?: infer Options) => infer Answered
  ? (
      ...given: [...Asking<WithFields<Omit<Asked, 'object'>, Fields>>, options?: Options]
    ) => AnswerWith<Answered, Fields>
  : never;

type Asking<Request> = object extends Request ? [request?: Request] : [request: Request];

type AnswerWith<Answered, Fields> =
  Answered extends Paged<infer Item, infer Page>
    ? Paged<WithFields<Item, Fields>, WithFields<Page, Fields>>
    : Answered extends Promise<Response>
      ? Answered
      : Answered extends Promise<infer Answer>
        ? Promise<WithFields<Answer, Fields>>
        : Answered;

/** The operations on the records of one custom object. */
export type ObjectRecords<Fields> = {
  [Name in Exclude<keyof ObjectRecordsResource, 'edit' | 'import'>]: Bound<ObjectRecordsResource[Name], Fields>;
} & {
  import: (
    request: Omit<Parameters<ObjectRecordsResource['import']>[0], 'object'>,
    options?: CallOptions,
  ) => ReturnType<ObjectRecordsResource['import']>;
  edit: (
    id: string,
    change: (
      record: WithFields<ObjectRecord, Fields>,
    ) =>
      | WithFields<Omit<UpdateObjectRecordRequest, 'object' | 'id'>, Fields>
      | undefined
      | Promise<WithFields<Omit<UpdateObjectRecordRequest, 'object' | 'id'>, Fields> | undefined>,
    options?: CallOptions,
  ) => Promise<WithFields<ObjectRecord, Fields>>;
};

/** The methods of records of any object as those of one object. */
export function boundTo(records: ObjectRecordsResource, object: string): Record<string, unknown> {
  const bound =
    (method: Method) =>
    (request?: Request | string, ...rest: never[]) =>
      method({ ...(typeof request === 'string' ? { id: request } : request), object }, ...rest);
  return Object.fromEntries(Object.entries(records).map(([name, method]) => [name, bound(method as Method)]));
}
