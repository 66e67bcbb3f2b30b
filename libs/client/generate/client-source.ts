import type { RestRoute } from '@rapport/contracts';
import { operationNames, type OperationName } from './operation-name.ts';
import { docText, nameOfReference, propertyText, typeText, type Schema } from './type-text.ts';

interface Parameter {
  $ref?: string;
  name: string;
  in: string;
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface Operation {
  operationId: string;
  summary: string;
  description: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses: Record<string, Answer>;
}

interface Answer {
  $ref?: string;
  content?: Record<string, { schema?: Schema }>;
}

/** An OpenAPI document of the contract. */
export interface Document {
  paths: Record<string, Record<string, Operation>>;
  webhooks?: Record<string, { post: { requestBody: { content: Record<string, { schema: Schema }> } } }>;
  components: {
    schemas: Record<string, Schema>;
    parameters: Record<string, Parameter>;
    responses: Record<string, Answer>;
  };
}

/** A route with its name in the client and its operation in a document. */
interface Named {
  route: RestRoute;
  name: OperationName;
  operation: Operation;
  parameters: Parameter[];
  answer: Schema | undefined;
  /** The property of a page with its items. */
  list: [name: string, schema: Schema] | undefined;
}

const headerOptions: Readonly<Record<string, string>> = {
  'if-match': 'ifMatch',
  'idempotency-key': 'idempotencyKey',
  range: 'range',
  'if-range': 'ifRange',
};

/**
 * The generated files of the client, by their names.
 *
 * @param documentOf the OpenAPI document of some routes
 */
export function clientSource(
  routes: readonly RestRoute[],
  documentOf: (routes: RestRoute[]) => object,
  codes: readonly string[],
): Record<string, string> {
  const names = operationNames(routes);
  const schemas: Record<string, Schema> = {};
  const events: Schema[] = [];
  const all: Named[] = [];
  for (const group of withoutSharedPaths([...names.keys()])) {
    // Without read masks every record is whole: that is what a caller gets who names none.
    const document = documentOf(group.map((route) => ({ ...route, readMask: undefined }))) as Document;
    Object.assign(schemas, document.components.schemas);
    events.push(
      ...Object.values(document.webhooks ?? {}).map(({ post }) => post.requestBody.content['application/json']!.schema),
    );
    for (const route of group) all.push(named(route, names.get(route)!, document));
  }
  const types = Object.entries(schemas).map(
    ([name, schema]) => `${docText(schema.description)}export type ${name} = ${typeText(schema)};\n`,
  );
  const event = `/** The body of a webhook. */\nexport type WebhookEvent = ${[...new Set(events.map((each) => typeText(each)))].join('\n| ')};\n`;
  const code = `/** What can be wrong with a request. */\nexport type ErrorCode = ${codes.map((each) => `'${each}'`).join(' | ')};\n`;
  return {
    'messages.ts': [...types, event, code].join('\n'),
    'resources.ts': resourcesText(all),
    'operations.ts': `/** Name, verb, path, flags (see parseOperation) and query parameters beside a body, of each operation: see operationLines. */\nexport const operations = \`\n${all.map(line).join('\n')}\n\`;\n`,
  };
}

/** Groups of routes in which no two have one path: `Accept` chooses between those, and a document has one operation of both. */
function withoutSharedPaths(routes: RestRoute[]): RestRoute[][] {
  const keys = routes.map(({ verb, path }) => `${verb} ${path.template}`);
  const isFirst = routes.map((_, index) => keys.indexOf(keys[index]!) === index);
  return [true, false].map((first) => routes.filter((_, index) => isFirst[index] === first));
}

function named(route: RestRoute, name: OperationName, { paths, components }: Document): Named {
  const operation = paths[route.path.template]![route.verb.toLowerCase()]!;
  const parameters = operation.parameters.map((each) =>
    each.$ref ? components.parameters[nameOfReference(each.$ref)]! : each,
  );
  refuseSharedNames(operation, parameters, components);
  const success = operation.responses[route.status];
  const { content } = (success?.$ref ? components.responses[nameOfReference(success.$ref)] : success) ?? {};
  const answer = Object.values(content ?? {})[0]?.schema;
  const page = answer?.$ref ? components.schemas[nameOfReference(answer.$ref)]?.properties : undefined;
  const list =
    page && 'nextPageToken' in page ? Object.entries(page).find(([, { type }]) => type === 'array') : undefined;
  return { route, name, operation, parameters, answer, list };
}

/** A request has its parameters and the fields of its body in one object. */
function refuseSharedNames(
  { operationId, requestBody }: Operation,
  parameters: readonly Parameter[],
  { schemas }: Document['components'],
): void {
  const body = Object.values(requestBody?.content ?? {})[0]?.schema?.$ref;
  const fields = body === undefined ? {} : (schemas[nameOfReference(body)]?.properties ?? {});
  const shared = parameters.find(({ name }) => name in fields);
  if (shared) throw new Error(`${operationId}: ${shared.name} is a parameter and a field of the body.`);
}

function line({ route, name: { resource, method }, list }: Named): string {
  const { verb, path, fields, bodyUsage, answerUsage, method: rpc } = route;
  const kind = { message: list ? 'l' : '', messages: isReopened(route) ? 'w' : 's', file: 'f' }[answerUsage];
  const flags = [
    fields.header.some(({ name }) => name === 'idempotency-key') ? 'k' : '',
    verb === 'GET' || rpc.policy.idempotent ? 'r' : '',
    bodyUsage === 'file' || bodyUsage === 'bytes' ? 'u' : '',
    kind,
    rpc.policy.deadlineMs ? rpc.policy.deadlineMs / 1_000 : '',
    list ? `:${list[0]}` : '',
  ].join('');
  const shortFlags = (resource === undefined ? flags : flags.replace(`:${resource}`, ':~')) || '-';
  const query = fields.body && !flags.includes('u') ? fields.query.map(({ jsonName }) => jsonName) : [];
  const own = resource === undefined ? method : `${resource}.${method}`;
  return [own, verb, shortened(path.template.slice('/v1'.length), own), shortFlags, ...query].join(' ');
}

/** A path with `~` for the resource at its start, and `!` for the method at its end, which `operationLines` puts back. */
function shortened(path: string, own: string): string {
  const [resource = '', method = ''] = own.split('.');
  const tail = path.startsWith(`/${resource}`) ? `~${path.slice(resource.length + 1)}` : path;
  return tail.endsWith(`:${method}`) ? `${tail.slice(0, -method.length - 1)}!` : tail;
}

/** Whether a stream reports a state: a second stream begins with the current one. */
function isReopened({ method: { name, desc } }: RestRoute): boolean {
  return name.startsWith('Watch') && !desc.output.fields.some((field) => field.name === 'cursor');
}

function resourcesText(all: readonly Named[]): string {
  const requests = all.map(requestText).join('\n');
  const roots = all.filter(({ name }) => name.resource === undefined).map(methodText);
  const resources = [...Map.groupBy(all, ({ name }) => name.resource)].flatMap(([resource, members]) =>
    resource === undefined ? [] : [{ resource, type: `${typeName(resource)}Resource`, members }],
  );
  const types = resources.map(
    ({ type, members }) =>
      `export interface ${type} {\n${members.map(methodText).join('\n')}\n${derivedText(members)}}\n`,
  );
  const properties = resources.map(({ resource, type }) => `${resource}: ${type};`);
  return [
    `import type { Edit, Masked, Options, Upload, Wait } from '../call.js';`,
    `import type { Paged } from '../paged.js';`,
    `import type * as messages from './messages.js';`,
    requests,
    ...types,
    `/** Every operation of the API by its resource. */\nexport interface Resources {\n${[...properties, ...roots].join('\n')}\n}\n`,
  ].join('\n\n');
}

/** The request of an operation: its parameters and the fields of its body, as one object. */
function requestText({ operation, parameters, route }: Named): string {
  const own = parameters.filter((each) => each.in === 'path' || each.in === 'query');
  const fields = own.map(({ name, schema, description = '', required = false }) =>
    propertyText(name, { ...schema, description }, required, true),
  );
  const isRaw = route.bodyUsage === 'file' || route.bodyUsage === 'bytes';
  const content = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const body = content && `messages.${typeText(content)}`;
  const parts = [
    `{\n${fields.join('')}${isRaw ? '/** The bytes. */\nbody: Upload;\n' : ''}}`,
    ...(body === undefined ? [] : [route.isBodyRequired ? body : `Partial<${body}>`]),
  ];
  return `/** Request of ${operation.operationId}. */\nexport type ${typeName(operation.operationId)}Request = ${parts.join(' & ')};\n`;
}

function methodText({ name, operation, parameters, route, answer, list }: Named): string {
  const request = `${typeName(operation.operationId)}Request`;
  const isOptional =
    !parameters.some(({ required }) => required) &&
    !route.isBodyRequired &&
    !['file', 'bytes'].includes(route.bodyUsage);
  const own = route.fields.header.map((header) => `'${headerOptions[header.name]}'`);
  const options = `options?: Options${own.length > 0 ? `<${own.join(' | ')}>` : ''}`;
  const type = answer ? `messages.${typeText(answer)}` : 'undefined';
  const item = list && `messages.${typeText(list[1].items ?? {})}`;
  const plural = (message: string, each?: string) =>
    each === undefined ? `Promise<${message}>` : `Paged<${each}, ${message}>`;
  const answers = {
    file: 'Promise<Response>',
    messages: `AsyncIterableIterator<${type}>`,
    message: plural(type, item),
  }[route.answerUsage];
  const partial = plural(`${route.readMask?.list ? 'Masked' : 'Partial'}<${type}>`, item && `Partial<${item}>`);
  const masked = `${name.method}(request: ${request} & { readMask: string }, ${options}): ${partial};\n`;
  const { summary, description } = operation;
  const doc = docText(description.startsWith(summary) ? description : `${summary}. ${description}`);
  const whole = `${doc}${name.method}(request${isOptional ? '?' : ''}: ${request}, ${options}): ${answers};`;
  return route.readMask ? `${doc}${masked}${whole}` : whole;
}

/** Methods that the client derives from others. */
function derivedText(members: readonly Named[]): string {
  const find = (method: string) => members.find(({ name }) => name.method === method);
  const [get, update, watch] = [find('get'), find('update'), find('watch')];
  const isConditional = update?.route.fields.header.some(({ name }) => name === 'if-match');
  if (!get) return '';
  const names = get.route.fields.path.map(({ jsonName }) => jsonName);
  const key = `{ ${names.map((each) => `${each}: string`).join('; ')} }`;
  const record = `messages.${typeText(get.answer ?? {})}`;
  const patch = `Omit<${typeName(update?.operation.operationId ?? '')}Request, '${names.join("' | '")}'>`;
  return [
    isConditional ? `edit: Edit<${names.length === 1 ? 'string | ' : ''}${key}, ${record}, ${patch}>;\n` : '',
    watch && isReopened(watch.route) ? `wait: Wait<${key}, ${record}>;\n` : '',
  ].join('');
}

function typeName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
