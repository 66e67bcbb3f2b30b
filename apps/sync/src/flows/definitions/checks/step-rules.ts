import {
  HttpMethod,
  type HttpStep,
  type ListenEvent,
  type ListenStep,
  type NamedValue,
  type Step,
} from '@rapport/contracts/rapport/flows/v1/steps';
import jsonata from 'jsonata';
import { recordTypeNamed, startVariables } from '../variables.js';
import type { Place, Variables } from './faults.js';
import { checkedType, checkValues, type CustomFieldsOf } from './record-fields.js';

/** What the checks of all steps know. */
export interface StepContext {
  /** The variables that are known when a run starts. */
  atStart: Variables;
  /** The variables of matches of events, by the type of the records: types of variables are prepared once. */
  ofEvents: Map<string, Variables>;
  /** Whether runs are about a record. */
  hasRecord: boolean;
  customFields: CustomFieldsOf;
}

/** What the check of one step knows. */
export interface RuleContext extends StepContext {
  variables: Variables;
}

type Rule<Content> = (place: Place, content: NonNullable<Content>, context: RuleContext) => void;

/** The kinds of steps: the fields of a step, besides those that all steps have. */
export type StepKind = Exclude<keyof Step, 'key' | 'name' | 'condition'>;

/** What the contract does not say of each kind. Steps within others are checked apart. */
const rules: { readonly [Kind in StepKind]: Rule<Step[Kind]> } = {
  set: () => undefined,
  switch: (place, { cases }, { variables }) => {
    for (const [index, { condition }] of cases.entries()) {
      place.at('cases', index, 'condition').expression(condition, variables, 'bool');
    }
  },
  for: (place, content, { variables }) => place.at('in').expression(content.in, variables, 'list'),
  fork: (place, { branches }) => place.unique(branches, 'branches'),
  do: () => undefined,
  try: () => undefined,
  raise: (place, { message }, { variables }) => place.at('message').expression(message, variables, 'string'),
  find: (place, { type, filter }, { variables }) => {
    checkedType(place.at('type'), type, 'READ');
    place.at('filter').expression(filter, variables, 'string');
  },
  create: (place, { type, fields }, context) => checkValues(place, fields, { ...context, type, use: 'CREATE' }),
  update: (place, { type, id, fields }, context) => {
    place.at('id').expression(id, context.variables, 'string');
    checkValues(place, fields, { ...context, type, use: 'UPDATE' });
  },
  delete: (place, { type, id }, { variables }) => {
    place.at('id').expression(id, variables, 'string');
    checkedType(place.at('type'), type, 'UPDATE');
  },
  upsert: (place, { type, value, fields }, context) => {
    place.at('value').expression(value, context.variables, 'string');
    checkValues(place, fields, { ...context, type, use: 'CREATE' });
    needField(place, type, 'externalIds', 'external ids');
  },
  link: (place, { fromType, fromId, toType, toId }, { variables }) => {
    place.at('fromId').expression(fromId, variables, 'string');
    place.at('toId').expression(toId, variables, 'string');
    checkedType(place.at('fromType'), fromType, 'READ');
    checkedType(place.at('toType'), toType, 'READ');
  },
  assign: (place, { type, id, userId, byRules }, { variables }) => {
    place.oneOf({ userId, byRules }, ['userId', 'byRules']);
    place.at('id').expression(id, variables, 'string');
    place.at('userId').expression(userId, variables, 'string');
    if (checkedType(place.at('type'), type, 'UPDATE')) needField(place, type, 'ownerId', 'owners');
    if (byRules && type.includes('/'))
      place.at('type').add('NOT_ALLOWED', 'must be no custom object: rules are not about those');
  },
  moveStage: (place, { dealId, reason, fields }, context) => {
    place.at('dealId').expression(dealId, context.variables, 'string');
    place.at('reason').expression(reason, context.variables, 'string');
    checkValues(place, fields, { ...context, type: 'deal', use: 'UPDATE' });
    if (dealId === undefined) needRecord(place, context, 'dealId');
  },
  addTask: (place, { subject, ownerId, calendarId, dueInSeconds, fields }, context) => {
    place.at('subject').expression(subject, context.variables, 'string');
    place.at('ownerId').expression(ownerId, context.variables, 'string', true);
    checkValues(place, fields, { ...context, type: 'task', use: 'UPDATE' });
    if (calendarId !== undefined && dueInSeconds === undefined) needSeconds(place, 'dueInSeconds');
  },
  addNote: (place, { text }, context) => {
    place.at('text').expression(text, context.variables, 'string');
    needRecord(place, context);
  },
  reply: (place, { ticketId, text, templateId }, context) => {
    place.oneOf({ text, templateId }, ['text', 'templateId']);
    place.at('ticketId').expression(ticketId, context.variables, 'string');
    place.at('text').expression(text, context.variables, 'string');
    if (ticketId === undefined) needRecord(place, context, 'ticketId');
  },
  send: (place, { to, subject, text }, { variables }) => {
    for (const [index, address] of to.entries()) place.at('to', index).expression(address, variables, 'string');
    place.at('subject').expression(subject, variables, 'string');
    place.at('text').expression(text, variables, 'string');
  },
  http: checkHttp,
  connector: () => undefined,
  wait: (place, { seconds, until, calendarId }, { variables }) => {
    place.oneOf({ seconds, until }, ['seconds', 'until']);
    place.at('until').expression(until, variables, 'time');
    if (calendarId !== undefined && seconds === undefined) needSeconds(place, 'seconds');
  },
  listen: checkListen,
  approve: (place, { question, approverIds, quorum = 1 }, { variables }) => {
    place.at('question').expression(question, variables, 'string');
    const isTwice = new Set(approverIds).size < approverIds.length;
    if (isTwice) place.at('approverIds').add('DUPLICATE', 'has a user twice');
    if (quorum > approverIds.length) place.at('quorum').add('TOO_LARGE', 'must be at most the number of approvers');
  },
  run: (place, { inputs }, { variables }) => checkNamed(place, inputs, 'inputs', variables),
  transform: (place, { expression, input }, { variables }) => {
    place.at('input').expression(input, variables);
    const fault = jsonataFault(expression);
    if (fault !== undefined) place.at('expression').add('BAD_EXPRESSION', fault);
  },
};

/** The rules by the kind of a step. */
export const stepRules = Object.fromEntries(
  Object.entries(rules).map(([kind, rule]) => [
    kind,
    (place: Place, step: Step, context: RuleContext) => {
      // Each rule takes the content of its own kind.
      (rule as Rule<unknown>)(place, step[kind as StepKind] ?? {}, context);
    },
  ]),
) as Record<StepKind, (place: Place, step: Step, context: RuleContext) => void>;

function needRecord(place: Place, { hasRecord }: StepContext, field?: string): void {
  if (hasRecord) return;
  const needs = 'needs a trigger with a record';
  if (field === undefined) place.add('NOT_ALLOWED', needs);
  else place.at(field).add('REQUIRED', `is required, because the trigger has no record`);
}

function needSeconds(place: Place, field: string): void {
  place.at('calendarId').add('NOT_ALLOWED', `needs ${field}`);
}

function needField(place: Place, type: string, field: string, noun: string): void {
  const contract = recordTypeNamed(type);
  if (!contract || contract.fields.some(({ name }) => name === field)) return;
  place.at('type').add('NOT_ALLOWED', `${contract.plural} have no ${noun}`);
}

function checkNamed(place: Place, values: readonly NamedValue[], list: string, variables: Variables): void {
  const seen = new Set<string>();
  for (const [index, { name, value }] of values.entries()) {
    const at = place.at(list, index);
    at.at('value').expression(value, variables);
    if (seen.has(name)) at.at('name').add('DUPLICATE', `${name} has a value already`);
    seen.add(name);
  }
}

/** Headers that the service itself sets, or that say how the connection works. */
const ownHeaders: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'keep-alive'],
  ...['idempotency-key', 'proxy-authorization', 'expect'],
]);

function checkHttp(place: Place, { method, url, headers, body, secretName }: HttpStep, context: RuleContext): void {
  const { variables } = context;
  place.at('url').expression(url, variables, 'string');
  for (const [index, { name, value }] of headers.entries()) {
    const at = place.at('headers', index);
    at.at('value').expression(value, variables, 'string');
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) at.at('name').add('BAD_FORMAT', 'must be the name of a header');
    if (ownHeaders.has(name.toLowerCase())) at.at('name').add('NOT_ALLOWED', `${name} can not be set`);
    if (secretName !== undefined && name.toLowerCase() === 'authorization') {
      at.at('name').add('CONFLICTING_FIELDS', 'secretName sets the header already');
    }
  }
  place.at('body').expression(body, variables);
  if (body !== undefined && (method === HttpMethod.GET || method === HttpMethod.DELETE)) {
    place.at('body').add('NOT_ALLOWED', `${HttpMethod[method]} has no body`);
  }
}

function checkListen(place: Place, { events }: ListenStep, context: RuleContext): void {
  place.unique(events, 'events');
  for (const [index, event] of events.entries()) checkEvent(place.at('events', index), event, context);
}

/** Ids and correlations are evaluated when the run starts. */
function checkEvent(place: Place, event: ListenEvent, context: RuleContext): void {
  const { type, recordId, match, correlation } = event;
  const kinds = place.oneOf(event, ['type', 'signal']);
  place.at('recordId').expression(recordId, context.atStart, 'string');
  place.at('correlation').expression(correlation, context.atStart, 'string');
  if (kinds.length !== 1) return;
  if (type === undefined) return checkSignal(place, event, context.hasRecord);
  if (correlation !== undefined) place.at('correlation').add('CONFLICTING_FIELDS', 'is for signals only');
  if (!checkedType(place.at('type'), type, 'READ')) return;
  // A change in the feed has the type of all objects.
  if (recordId === undefined && type.includes('/'))
    place.at('recordId').add('REQUIRED', 'is required for custom objects');
  const trigger = { record: { type, operations: [], changedFields: [] } };
  const variables = context.ofEvents.get(type) ?? startVariables(trigger, context.customFields(type));
  context.ofEvents.set(type, variables);
  place.at('match').expression(match, variables, 'bool');
}

function checkSignal(place: Place, { signal, recordId, match, correlation }: ListenEvent, hasRecord: boolean): void {
  if (recordId !== undefined || match !== undefined) {
    place.add('CONFLICTING_FIELDS', `must have no recordId and no match, which signals such as ${signal} lack`);
  }
  if (correlation === undefined && !hasRecord) {
    place.at('correlation').add('REQUIRED', 'is required, because the trigger has no record');
  }
}

function jsonataFault(expression: string): string | undefined {
  try {
    jsonata(expression);
    return undefined;
  } catch (error) {
    return `must be JSONata: ${(error as { message?: string }).message ?? 'it is not valid'}`;
  }
}
