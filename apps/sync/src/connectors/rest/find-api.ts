import { configurationError, type ConnectorError } from '../connector-error.js';
import type { ApiDocument, Method, Operation } from './api-document.js';
import { findPaging, type PagingPlan } from './find-paging.js';
import { recordFields, type ApiField } from './record-fields.js';
import type { RestConfiguration } from './rest-configuration.js';

/** The API calls that follow from a document and a configuration, and the places of their parameters. */
export interface Api {
  recordType: string;
  list: Operation;
  read: Operation;
  create: Write | undefined;
  update: Write | undefined;
  remove: Operation | undefined;
  /** Path of the records in a list, and of a record in its answer; `.` is the whole answer. */
  listPath: string;
  recordPath: string;
  fields: ApiField[];
  id: ApiField;
  key: ApiField | undefined;
  paging: PagingPlan;
  hasEtags: boolean;
}

/** An operation with a record in its body. */
export interface Write extends Operation {
  bodyPath: string;
  /** Names of its fields; undefined when the document does not list them. */
  takes: ReadonlySet<string> | undefined;
  requires: ReadonlySet<string>;
}

const maxNamed = 20;

/**
 * @throws ConnectorError INVALID that names the setting which contradicts the document, or is required because the
 * document is ambiguous
 */
export function findApi(document: ApiDocument, configuration: RestConfiguration): Api {
  const list = findList(document, configuration);
  const listPath = configuration.listPath ?? onlyList(document, list);
  const items = document.schema(document.schemaAt(list.response, listPath)).items;
  if (items === undefined) throw unfit('/listPath', `The answer of ${nameOf(list)} has no list there.`);
  const fields = recordFields(document, items);
  if (fields.length === 0) throw document.fault(`does not say what the records of ${nameOf(list)} have`);
  const named = (setting: 'idField' | 'updatedField' | 'keyField', name: string) => {
    const field = fields.find((each) => each.name === name);
    if (field) return field;
    throw unfit(
      `/${setting}`,
      `The records have no field ${name}. They have ${enumerated(fields.map((each) => each.name))}.`,
    );
  };
  const id = named('idField', configuration.idField ?? 'id');
  const read = findOne(document, configuration, list, 'readOperation', ['get']);
  if (!read) throw unfit('/readOperation', 'The document has no operation that reads one record.');
  const writes = findWrites(document, configuration, list, fields);
  const { updatedField, keyField, preconditions } = configuration;
  const key = keyField === undefined ? undefined : named('keyField', keyField);
  const updated = updatedField === undefined ? undefined : named('updatedField', updatedField);
  const create = key && writes.create;
  return {
    recordType: recordTypeOf(list.path),
    list,
    read,
    ...writes,
    create,
    listPath,
    recordPath: configuration.recordPath ?? onlyRecord(document, read.response, id.name),
    fields: fields.map((field) => ({
      ...field,
      writable: field !== id && field !== key && field !== updated && isWritable(field, create, writes.update),
      required: field !== key && (create?.requires.has(field.name) ?? false),
    })),
    id,
    key,
    paging: findPaging(document, configuration, list),
    hasEtags:
      preconditions === undefined
        ? (writes.update ?? writes.remove)?.hasPreconditions === true
        : preconditions === 'ETAG',
  };
}

function findList(document: ApiDocument, { path, listOperation }: RestConfiguration): Operation {
  const list =
    listOperation === undefined ? document.operation(path ?? '', 'get') : document.operationById(listOperation);
  if (list?.method === 'get' && list.response !== undefined) return list;
  const setting = listOperation === undefined ? '/path' : '/listOperation';
  if (list) throw unfit(setting, 'The document does not say that it answers JSON to GET.');
  // Lists whose records can be read one by one.
  const collections = document.paths.filter(
    (each) => !each.includes('{') && onePath(document, each) !== undefined && document.operation(each, 'get')?.response,
  );
  throw unfit(setting, `The document has no such collection. It has ${enumerated(collections)}.`);
}

function findWrites(document: ApiDocument, configuration: RestConfiguration, list: Operation, fields: ApiField[]) {
  const { createOperation } = configuration;
  const create =
    createOperation === undefined ? document.operation(list.path, 'post') : document.operationById(createOperation);
  if (createOperation !== undefined && !create) throw unknown('createOperation');
  const update = findOne(document, configuration, list, 'updateOperation', ['patch', 'put']);
  if (update && !['patch', 'put'].includes(update.method)) throw unfit('/updateOperation', 'It must be PATCH or PUT.');
  const write = (operation: Operation | undefined) => operation && asWrite(document, configuration, operation, fields);
  return {
    create: write(create),
    update: write(update),
    remove: findOne(document, configuration, list, 'deleteOperation', ['delete']),
  };
}

/** The first existing operation of one record with one of these methods. */
function findOne(
  document: ApiDocument,
  configuration: RestConfiguration,
  list: Operation,
  setting: 'readOperation' | 'updateOperation' | 'deleteOperation',
  methods: Method[],
): Operation | undefined {
  const id = configuration[setting];
  const operations =
    id === undefined
      ? methods.map((method) => document.operation(onePath(document, list.path) ?? '', method))
      : [document.operationById(id)];
  const operation = operations.find((each) => each !== undefined);
  if (id === undefined) return operation;
  if (!operation) throw unknown(setting);
  if (parameterCount(operation.path) !== 1) throw unfit(`/${setting}`, 'Its path must have one parameter, for the id.');
  return operation;
}

/** `/people/{id}` for `/people`, and `/people/{id}.json` for `/people.json`, with any name of the parameter. */
function onePath(document: ApiDocument, path: string): string | undefined {
  const [, base = path, extension = ''] = /^(.*?)(\.[a-z]+)?\/?$/.exec(path) ?? [];
  return document.paths.find((each) => {
    const rest = each.startsWith(`${base}/{`) ? each.slice(base.length + 1) : '';
    return parameterCount(each) === 1 && rest.endsWith(`}${extension}`) && !rest.includes('/');
  });
}

function parameterCount(path: string): number {
  return path.split('{').length - 1;
}

function asWrite(
  document: ApiDocument,
  { bodyPath }: RestConfiguration,
  operation: Operation,
  fields: ApiField[],
): Write {
  const { request } = operation;
  const within = bodyPath ?? onlyBody(document, request, fields);
  const node = oneOf(document, document.schemaAt(request, within));
  const taken = recordFields(document, node ?? {}).filter(({ writable }) => writable);
  const requires = new Set(document.schema(node ?? {}).required);
  return {
    ...operation,
    bodyPath: within,
    takes: taken.length === 0 ? undefined : new Set(taken.map(({ name }) => name)),
    requires,
  };
}

/** If a body may have one record or several, the form with one. */
function oneOf(document: ApiDocument, node: unknown): unknown {
  return document.schema(node).forms.find((form) => document.schema(form).properties.size > 0) ?? node;
}

function isWritable({ name, writable, type }: ApiField, ...writes: (Write | undefined)[]): boolean {
  const there = writes.filter((write) => write !== undefined);
  const isTaken = there.length > 0 && there.every(({ takes }) => takes?.has(name) ?? true);
  return writable && isTaken && type !== 'UNSUPPORTED';
}

/** Path of the only list of objects in an answer. */
function onlyList(document: ApiDocument, list: Operation): string {
  const schema = document.schema(list.response);
  if (schema.items !== undefined) return '.';
  const lists = [...schema.properties].filter(([, property]) => {
    const { items } = document.schema(property);
    return items !== undefined && document.schema(items).properties.size > 0;
  });
  const [only, ...others] = lists.map(([name]) => name);
  if (only !== undefined && others.length === 0) return only;
  throw unfit(
    '/listPath',
    `It must say where in the answer of ${nameOf(list)} the records are: ${enumerated([...schema.properties.keys()])}.`,
  );
}

/** Path of the record: the only object in the answer that has an id, unless the answer itself has one. */
function onlyRecord(document: ApiDocument, response: unknown, idField: string): string {
  const has = (node: unknown) => document.schemaAt(node, idField) !== undefined;
  if (response === undefined || has(response)) return '.';
  const [only, ...others] = [...document.schema(response).properties].filter(([, property]) => has(property));
  if (only && others.length === 0) return only[0];
  throw unfit('/recordPath', 'The document does not say where the record is in the answer for one.');
}

/** Path of the record in a body: the body itself, or its only property, when that is no field of records. */
function onlyBody(document: ApiDocument, request: unknown, fields: ApiField[]): string {
  const [only, ...others] = request === undefined ? [] : [...document.schema(request).properties];
  if (!only || others.length > 0) return '.';
  const [name, property] = only;
  const isField = fields.some((field) => field.name === name || field.name.startsWith(`${name}.`));
  return !isField && document.schema(property).properties.size > 0 ? name : '.';
}

/** The last segment of a path that is no parameter, without a format suffix. */
function recordTypeOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && !part.startsWith('{'));
  return parts.at(-1)?.replace(/\.[a-z]+$/, '') ?? 'record';
}

function nameOf({ method, path }: Operation): string {
  return `${method.toUpperCase()} ${path}`;
}

function enumerated(names: string[]): string {
  const more = names.length > maxNamed ? `, and ${names.length - maxNamed} more` : '';
  return names.length === 0 ? 'none' : `${names.slice(0, maxNamed).join(', ')}${more}`;
}

function unknown(setting: string): ConnectorError {
  return configurationError(`/${setting}`, { reason: 'NOT_FOUND', description: 'The document has no such operation.' });
}

function unfit(field: string, description: string): ConnectorError {
  return configurationError(field, { reason: 'UNFIT', description });
}
