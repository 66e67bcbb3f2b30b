import { cutText } from '@rapport/platform';
import { configurationError, type ConnectorError } from '../connector-error.js';

type Json = Record<string, unknown>;

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;
export type Method = (typeof methods)[number];

/** Maximum length of a chain of references. */
const maxReferences = 32;
/** Maximum number of resolved references, against malicious documents. */
const maxSteps = 100_000;
/** Maximum depth of `allOf` and `oneOf`. */
const maxLevels = 16;

/** An operation: one method of one path. */
export interface Operation {
  method: Method;
  path: string;
  /** Names of its query parameters. */
  query: string[];
  /** Schema of its JSON body. */
  request: Json | undefined;
  /** Schema of its successful JSON answer. */
  response: Json | undefined;
  /** It takes If-Match, or answers 412. */
  hasPreconditions: boolean;
}

/** A schema of one value, after merging its parts. */
export interface FlatSchema {
  /** Without `null`. */
  types: string[];
  format: string | undefined;
  isEnum: boolean;
  isReadOnly: boolean;
  multipleOf: number | undefined;
  items: unknown;
  properties: Map<string, unknown>;
  required: Set<string>;
  /** The alternatives, if there is more than one. */
  forms: unknown[];
}

/**
 * An untrusted OpenAPI document. Only references within the document are resolved, and cyclic references are cut off.
 *
 * @see https://spec.openapis.org/oas/v3.1.0
 */
export class ApiDocument {
  readonly #root: Json;
  readonly #field: string;
  #steps = 0;

  private constructor(root: Json, field: string) {
    this.#root = root;
    this.#field = field;
  }

  /**
   * @param field of the configuration that the document is from, such as `/documentUrl`
   * @throws ConnectorError INVALID that names it
   */
  static parse(text: string, field: string): ApiDocument {
    const root = parseObject(text);
    if (!root) throw configurationError(field, { reason: 'INVALID', description: 'is no JSON object' });
    const { openapi, paths } = root;
    if (typeof openapi !== 'string' || !/^3\.\d/.test(openapi)) {
      throw configurationError(field, { reason: 'INVALID', description: 'is no OpenAPI document of version 3' });
    }
    if (!isObject(paths)) throw configurationError(field, { reason: 'INVALID', description: 'has no paths' });
    return new ApiDocument(root, field);
  }

  /** INVALID, for a missing or wrong part of the document. */
  fault(description: string): ConnectorError {
    return configurationError(this.#field, { reason: 'INVALID', description });
  }

  get paths(): string[] {
    return Object.keys(objectOf(this.#root['paths'])).filter((path) => path.startsWith('/'));
  }

  /** The operation of a path and method; undefined when there is none. */
  operation(path: string, method: Method): Operation | undefined {
    const item = this.#resolve(own(objectOf(this.#root['paths']), path));
    const operation = own(item, method);
    if (!isObject(operation)) return undefined;
    const parameters = [own(item, 'parameters'), operation['parameters']].flatMap((list) =>
      Array.isArray(list) ? list.slice(0, 1_000).map((parameter) => this.#resolve(parameter)) : [],
    );
    const named = (place: string) =>
      parameters.filter((each) => each['in'] === place).map((each) => textOf(each['name']));
    const responses = objectOf(operation['responses']);
    const success = Object.keys(responses).find((status) => /^2(\d\d|XX)$/.test(status)) ?? 'default';
    return {
      method,
      path,
      query: named('query'),
      request: this.#jsonSchema(operation['requestBody']),
      response: this.#jsonSchema(own(responses, success)),
      hasPreconditions: named('header').some((name) => name.toLowerCase() === 'if-match') || '412' in responses,
    };
  }

  /** The operation with an operationId. */
  operationById(id: string): Operation | undefined {
    for (const path of this.paths) {
      const item = this.#resolve(own(objectOf(this.#root['paths']), path));
      const method = methods.find((name) => own(objectOf(own(item, name)), 'operationId') === id);
      if (method) return this.operation(path, method);
    }
    return undefined;
  }

  /** @throws ConnectorError INVALID for dangling or endless references */
  schema(node: unknown, levels = maxLevels): FlatSchema {
    if (levels === 0) throw this.fault(`has schemas of more than ${maxLevels} levels of allOf`);
    const schema = this.#resolve(node);
    const types = [schema['type']].flat().filter((type): type is string => typeof type === 'string');
    const flat: FlatSchema = {
      types: types.filter((type) => type !== 'null'),
      format: typeof schema['format'] === 'string' ? schema['format'] : undefined,
      isEnum: Array.isArray(schema['enum']),
      isReadOnly: schema['readOnly'] === true,
      multipleOf: typeof schema['multipleOf'] === 'number' ? schema['multipleOf'] : undefined,
      items: schema['items'],
      properties: new Map(Object.entries(objectOf(schema['properties']))),
      required: new Set([schema['required']].flat().filter((name): name is string => typeof name === 'string')),
      forms: [],
    };
    for (const part of listOf(schema['allOf'])) merge(flat, this.schema(part, levels - 1));
    const forms = [...listOf(schema['oneOf']), ...listOf(schema['anyOf'])].filter(
      (form) => this.#resolve(form)['type'] !== 'null',
    );
    if (forms.length === 1) merge(flat, this.schema(forms[0], levels - 1));
    else flat.forms = forms;
    return flat;
  }

  /** The schema at a path of names, such as `data` or `data.attributes`; `.` is the schema itself. */
  schemaAt(node: unknown, path: string): unknown {
    if (path === '.') return node;
    return path.split('.').reduce<unknown>((inner, name) => this.schema(inner).properties.get(name), node);
  }

  /** Resolves a node, so that the same schema is the same object. */
  target(node: unknown): object {
    return this.#resolve(node);
  }

  #jsonSchema(body: unknown): Json | undefined {
    const content = objectOf(this.#resolve(body)['content']);
    const type = Object.keys(content).find((name) => /^application\/([\w.-]+\+)?json\b/i.test(name));
    const schema = type === undefined ? undefined : own(objectOf(content[type]), 'schema');
    return isObject(schema) ? schema : undefined;
  }

  #resolve(node: unknown): Json {
    let found: unknown = node;
    for (let count = 0; count <= maxReferences; count += 1) {
      if ((this.#steps += 1) > maxSteps) throw this.fault('has schemas that refer to each other without an end');
      if (!isObject(found)) return {};
      const reference = found['$ref'];
      if (typeof reference !== 'string') return found;
      if (!reference.startsWith('#/')) throw this.fault(`refers to ${shortened(reference)}, which is outside of it`);
      found = reference
        .slice(2)
        .split('/')
        .map((step) => decoded(step).replaceAll('~1', '/').replaceAll('~0', '~'))
        .reduce<unknown>((inner, step) => own(inner, step), this.#root);
      if (found === undefined) throw this.fault(`refers to ${shortened(reference)}, which it does not have`);
    }
    throw this.fault('has references that lead in a circle');
  }
}

function merge(flat: FlatSchema, part: FlatSchema): void {
  flat.types = flat.types.length > 0 ? flat.types : part.types;
  flat.format ??= part.format;
  flat.multipleOf ??= part.multipleOf;
  flat.items ??= part.items;
  flat.isEnum ||= part.isEnum;
  flat.isReadOnly ||= part.isReadOnly;
  flat.forms = flat.forms.length > 0 ? flat.forms : part.forms;
  for (const [name, property] of part.properties) flat.properties.set(name, property);
  for (const name of part.required) flat.required.add(name);
}

function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Own properties only, not inherited ones such as `constructor`. */
function own(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Json)[name] : undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Json {
  return isObject(value) ? value : {};
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

function shortened(text: string): string {
  const start = cutText(text, 80);
  return start === text ? text : `${start}…`;
}
