import { ExpressionError } from '@rapport/contracts/expressions';
import {
  HttpMethod,
  type AddTaskStep,
  type FieldValue,
  type HttpStep,
  type NamedValue,
  type Step,
} from '@rapport/contracts/rapport/flows/v1/steps';
import type { Json, JsonObject } from './effect-port.js';

/** The value of an expression in CEL, as JSON; undefined and null for none. @throws ExpressionError */
export type EvaluateText = (expression: string) => unknown;

const defaultFindLimit = 20;

/**
 * A step with its expressions replaced by their values: what history shows, and what `perform` needs. It has the names of
 * the step in the contract; `fields`, `headers` and `inputs` are objects by name. Steps that contain steps have none.
 *
 * @throws ExpressionError for an expression without a value, or with one of the wrong type
 */
export function resolveStep(step: Step, evaluate: EvaluateText): JsonObject {
  for (const [kind, resolve] of Object.entries(resolvers)) {
    const content = step[kind as keyof Step];
    // Each resolver takes the content of its own kind.
    if (content !== undefined)
      return (resolve as (content: unknown, evaluate: EvaluateText) => JsonObject)(content, evaluate);
  }
  return {};
}

type Resolver<Content> = (content: NonNullable<Content>, evaluate: EvaluateText) => JsonObject;

const resolvers: { readonly [Kind in keyof Step]?: Resolver<Step[Kind]> } = {
  find: ({ type, filter, orderBy, limit = defaultFindLimit }, evaluate) => ({
    ...{ type, filter: textOf('filter', evaluate(filter)) },
    ...(orderBy !== undefined && { orderBy }),
    limit,
  }),
  create: ({ type, fields }, evaluate) => ({ type, fields: fieldsOf(fields, evaluate) }),
  update: ({ type, id, fields }, evaluate) => ({
    ...{ type, id: textOf('id', evaluate(id)) },
    fields: fieldsOf(fields, evaluate),
  }),
  delete: ({ type, id }, evaluate) => ({ type, id: textOf('id', evaluate(id)) }),
  upsert: ({ type, system, value, fields }, evaluate) => ({
    ...{ type, system, value: textOf('value', evaluate(value)) },
    fields: fieldsOf(fields, evaluate),
  }),
  link: ({ fromType, fromId, toType, toId, associationType }, evaluate) => ({
    ...{ fromType, fromId: textOf('fromId', evaluate(fromId)) },
    ...{ toType, toId: textOf('toId', evaluate(toId)) },
    associationType,
  }),
  assign: ({ type, id, userId, byRules }, evaluate) => ({
    ...{ type, id: textOf('id', evaluate(id)) },
    ...(userId !== undefined && { userId: textOf('userId', evaluate(userId)) }),
    ...(byRules && { byRules }),
  }),
  moveStage: ({ dealId = 'record.id', stage, reason, fields }, evaluate) => ({
    ...{ dealId: textOf('dealId', evaluate(dealId)), stage },
    ...(reason !== undefined && { reason: textOf('reason', evaluate(reason)) }),
    fields: fieldsOf(fields, evaluate),
  }),
  addTask: taskInput,
  addNote: ({ text }, evaluate) => ({ text: textOf('text', evaluate(text)) }),
  reply: ({ ticketId = 'record.id', text, templateId, thenStatus }, evaluate) => ({
    ticketId: textOf('ticketId', evaluate(ticketId)),
    ...(text !== undefined && { text: textOf('text', evaluate(text)) }),
    ...(templateId !== undefined && { templateId }),
    ...(thenStatus !== undefined && { thenStatus }),
  }),
  send: ({ to, subject, text, mailboxId, topicKey }, evaluate) => ({
    to: to.map((address, index) => textOf(`to[${index}]`, evaluate(address))),
    ...{ subject: textOf('subject', evaluate(subject)), text: textOf('text', evaluate(text)) },
    ...(mailboxId !== undefined && { mailboxId }),
    ...(topicKey !== undefined && { topicKey }),
  }),
  http: httpInput,
  connector: ({ mappingId }) => ({ mappingId }),
  transform: ({ expression, input }, evaluate) => ({ expression, input: valueOf(evaluate(input)) }),
  raise: ({ code, message }, evaluate) => ({
    code,
    ...(message !== undefined && { message: textOf('message', evaluate(message)) }),
  }),
  wait: ({ seconds = 0, calendarId, until }, evaluate): JsonObject => {
    if (until !== undefined) return { until: textOf('until', evaluate(until)) };
    return { seconds, ...(calendarId !== undefined && { calendarId }) };
  },
  approve: ({ question, approverIds, quorum = 1 }, evaluate) => ({
    question: textOf('question', evaluate(question)),
    ...{ approverIds, quorum },
  }),
  run: ({ flow, inputs, waits }, evaluate) => ({ flow, inputs: namedValues(inputs, evaluate), waits }),
};

function taskInput(step: AddTaskStep, evaluate: EvaluateText): JsonObject {
  const { subject, dueInSeconds, calendarId, ownerId, isUnrelated, fields } = step;
  const assignee = ownerId === undefined ? ownerOf(recordOf(evaluate)) : textOf('ownerId', evaluate(ownerId));
  return {
    subject: textOf('subject', evaluate(subject)),
    ...(dueInSeconds !== undefined && dueOf(dueInSeconds, calendarId, evaluate)),
    ...(assignee !== undefined && { ownerId: assignee }),
    ...(isUnrelated && { isUnrelated }),
    fields: fieldsOf(fields, evaluate),
  };
}

/** The time itself, so that a later attempt creates the same task; business time is counted from the same moment. */
function dueOf(seconds: number, calendarId: string | undefined, evaluate: EvaluateText): JsonObject {
  const now = textOf('now', evaluate('now'));
  if (calendarId !== undefined) return { dueInSeconds: seconds, calendarId, fromTime: now };
  return { dueTime: new Date(Date.parse(now) + seconds * 1_000).toISOString() };
}

function recordOf(evaluate: EvaluateText): unknown {
  try {
    return evaluate('record');
  } catch (error) {
    // A run without a record has no such variable.
    if (error instanceof ExpressionError) return undefined;
    throw error;
  }
}

function ownerOf(record: unknown): string | undefined {
  const owner = typeof record === 'object' && record !== null && 'ownerId' in record ? record.ownerId : undefined;
  return typeof owner === 'string' && owner !== '' ? owner : undefined;
}

function httpInput(step: HttpStep, evaluate: EvaluateText): JsonObject {
  const { method, url, headers, body, secretName } = step;
  return {
    method: HttpMethod[method || HttpMethod.POST],
    url: textOf('url', evaluate(url)),
    headers: Object.fromEntries(headers.map(({ name, value }) => [name, textOf(name, evaluate(value))])),
    ...(body !== undefined && { body: valueOf(evaluate(body)) }),
    // The name only: history shows inputs.
    ...(secretName !== undefined && { secretName }),
  };
}

function fieldsOf(fields: readonly FieldValue[], evaluate: EvaluateText): JsonObject {
  return Object.fromEntries(fields.map(({ field, value }) => [field, valueOf(evaluate(value))]));
}

function namedValues(values: readonly NamedValue[], evaluate: EvaluateText): JsonObject {
  return Object.fromEntries(values.map(({ name, value }) => [name, valueOf(evaluate(value))]));
}

function valueOf(value: unknown): Json {
  return (value ?? null) as Json;
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ExpressionError(`The value of ${name} is no text.`);
}
