import type { RapportOptions } from './call.js';
import { follow, type Follow } from './changes.js';
import type { Resources } from './gen/resources.js';
import { RapportError } from './problem.js';
import { boundTo, type ObjectRecords } from './records.js';
import { operationLines } from './operation-lines.js';
import { parseOperation, runOperation, type Method, type Request, type RunOptions } from './run-operation.js';
import { Transport } from './transport.js';
import { fileUpload, importUpload, type UploadFile, type UploadImport } from './uploads.js';

/** A client of the Rapport API: every operation as a method of its resource. */
export interface Rapport extends Resources {
  changes: Resources['changes'] & { follow: Follow };
  files: Resources['files'] & { upload: UploadFile };
  imports: Resources['imports'] & { upload: UploadImport };
  /** The records of a custom object, such as `rapport.records<Subscription>('subscription')`. */
  records: <Fields extends object = Record<string, unknown>>(object: string) => ObjectRecords<Fields>;
}

type Members = Record<string, Method>;

class Client {
  constructor(options: RapportOptions) {
    const transport = new Transport(options);
    const resources = this as unknown as Record<string, Members>;
    const root = this as unknown as Members;
    for (const [name, verb, path, flags, ...query] of operationLines()) {
      const [first = '', second] = name.split('.');
      const operation = parseOperation(verb, path, flags, query);
      const method: Method = (request = {}, own = {}) => runOperation(transport, operation, request, own);
      const members = second === undefined ? root : (resources[first] ??= {});
      members[second ?? first] = method;
      if (second === 'get') members['edit'] = editOf(members, /\{(\w+)\}$/.exec(path)?.[1] ?? '') as Method;
      if (second === 'watch' && path.endsWith(':watch')) members['wait'] = lastOf(method);
    }
    const rapport = this as unknown as Rapport;
    rapport.changes.follow = ((own) => follow(rapport, own)) as Follow;
    rapport.files.upload = fileUpload(rapport);
    rapport.imports.upload = importUpload(rapport);
    rapport.records = (object) => boundTo(rapport.objectRecords, object) as never;
  }
}

export const Rapport = Client as unknown as new (options: RapportOptions) => Rapport;

type Change = (record: { etag: string }) => Request | undefined | Promise<Request | undefined>;

function editOf(members: Members, keyName: string) {
  return async (key: string | Request, change: Change, options: RunOptions = {}): Promise<unknown> => {
    const request = typeof key === 'string' ? { [keyName]: key } : key;
    for (;;) {
      const record = (await members['get']!(request, options)) as { etag: string };
      const patch = await change(record);
      if (patch === undefined) return record;
      try {
        return await members['update']!({ ...patch, ...request }, { ...options, ifMatch: record.etag });
      } catch (error) {
        if (!(error instanceof RapportError && error.code === 'ETAG_MISMATCH')) throw error;
      }
    }
  };
}

function lastOf(watch: Method): Method {
  return async (request, options) => {
    let last: unknown;
    for await (const state of watch(request, options) as AsyncIterable<unknown>) last = state;
    return last;
  };
}
