import { Place, type Fault } from '../checks/faults.js';
import { itemsAt, objectAt, ownPart, secondsAt, textAt, valueOf } from './document-parts.js';
import { functionPrefix, keyOfName, raisedError, switchTask, type Json } from './dsl-words.js';

/** A flow of a document, as in requests. Its values are not checked yet. */
export interface ReadFlow {
  key: unknown;
  name: unknown;
  description?: unknown;
  definition: Json;
}

/**
 * The flow of a document of the Serverless Workflow DSL 1.0, as `writeDsl` makes them.
 *
 * @param document nested so deep only that recursion is safe
 * @returns faults that name what has no counterpart in flows; the flow is complete without any
 */
export function readDsl(document: unknown): { flow: ReadFlow; faults: readonly Fault[] } {
  const faults: Fault[] = [];
  const root = new Place([], faults);
  const {
    document: head,
    evaluate = {},
    use = {},
    do: tasks,
  } = objectAt(root, document, [...['document', 'evaluate', 'use', 'do']]);
  const at = root.at('document');
  const { dsl, name, title, summary, metadata } = objectAt(at, head, [
    ...['dsl', 'namespace', 'name', 'version', 'title', 'summary', 'metadata'],
  ]);
  if (!/^1\.0\.\d+$/.test(textAt(at.at('dsl'), dsl)))
    at.at('dsl').add('NOT_ALLOWED', 'must be a version 1.0 of the DSL');
  const { language } = objectAt(root.at('evaluate'), evaluate, ['language']);
  if (language !== 'cel') root.at('evaluate', 'language').add('NOT_ALLOWED', 'must be cel');
  objectAt(root.at('use'), use, ['secrets']);
  const { key = keyOfName(textAt(at.at('name'), name)), trigger = { manual: {} }, ...rules } = ownPart(at, metadata);
  const flow: ReadFlow = {
    ...{ key, name: title ?? name },
    ...(summary !== undefined && { description: summary }),
    definition: { ...rules, trigger, steps: stepsAt(root.at('do'), tasks) },
  };
  return { flow, faults };
}

function stepsAt(place: Place, tasks: unknown): Json[] {
  return itemsAt(place, tasks).map(([at, key, value]) => {
    const { if: condition, metadata, ...task } = objectAt(at, value);
    const { name, ...rest } = ownPart(at, metadata);
    const reader = Object.entries(readers).find(([word]) => word in task)?.[1];
    if (!reader) at.add('NOT_ALLOWED', `must have one of ${Object.keys(readers).join(', ')}`);
    return {
      key,
      ...(name !== undefined && { name }),
      ...(condition !== undefined && { condition: valueOf(at.at('if'), condition) }),
      ...reader?.(at, task, rest),
    };
  });
}

/** Reads the step of a task. @param rest its `metadata.rapport` */
type Reader = (place: Place, task: Json, rest: Json) => Json;

/** By the word that a task of the kind has. Tasks `for` have `do` too. */
const readers: Readonly<Record<string, Reader>> = {
  call: (place, task, rest) => {
    const { call } = task;
    if (call === 'http') return { http: readHttp(place, task, rest) };
    const { with: content = {} } = objectAt(place, task, ['call', 'with']);
    const kind = textAt(place.at('call'), call);
    if (kind.startsWith(functionPrefix))
      return { [kind.slice(functionPrefix.length)]: { ...objectAt(place.at('with'), content), ...rest } };
    place.at('call').add('NOT_ALLOWED', `must be http, or a function ${functionPrefix}…`);
    return {};
  },
  set: (place, task) => {
    const { set } = objectAt(place, task, ['set']);
    return { set: { variables: namedAt(place.at('set'), set) } };
  },
  switch: (place) => {
    place.at('switch').add('NOT_ALLOWED', 'must be in a task of its own, as exports have it');
    return {};
  },
  for: (place, task, rest) => {
    const { for: loop, do: tasks } = objectAt(place, task, ['for', 'do']);
    const at = place.at('for');
    const { each = 'item', in: list, at: index = 'index' } = objectAt(at, loop, ['each', 'in', 'at']);
    if (each !== 'item') at.at('each').add('NOT_ALLOWED', 'must be item');
    if (index !== 'index') at.at('at').add('NOT_ALLOWED', 'must be index');
    return { for: { in: valueOf(at.at('in'), list), steps: stepsAt(place.at('do'), tasks), ...rest } };
  },
  fork: (place, task, rest) => {
    const { fork } = objectAt(place, task, ['fork']);
    const { branches, compete = false } = objectAt(place.at('fork'), fork, ['branches', 'compete']);
    const read = itemsAt(place.at('fork', 'branches'), branches).map(([at, key, branch]) => {
      const { do: tasks } = objectAt(at, branch, ['do']);
      return { key, steps: stepsAt(at.at('do'), tasks) };
    });
    return { fork: { branches: read, ...(compete === true && { mode: 'ANY' }), ...rest } };
  },
  do: (place, task, { kind, ...rest }) => {
    const { do: tasks } = objectAt(place, task, ['do']);
    if (kind === 'switch') return { switch: readSwitch(place.at('do'), tasks) };
    return { do: { steps: stepsAt(place.at('do'), tasks), ...rest } };
  },
  try: (place, task, rest) => {
    const { try: tasks, catch: after } = objectAt(place, task, ['try', 'catch']);
    const at = place.at('catch');
    const { as: name = 'error', retry, do: others = [] } = objectAt(at, after ?? {}, ['as', 'retry', 'do']);
    if (name !== 'error') at.at('as').add('NOT_ALLOWED', 'must be error');
    const steps = stepsAt(place.at('try'), tasks);
    const policy = retry !== undefined && { retry: { ...readRetry(at.at('retry'), retry), ...rest } };
    return { try: { steps, ...policy, catch: stepsAt(at.at('do'), others) } };
  },
  raise: (place, task) => {
    const at = place.at('raise', 'error');
    const { error } = objectAt(place.at('raise'), objectAt(place, task, ['raise'])['raise'], ['error']);
    const { type, title, detail } = objectAt(at, error, ['type', 'status', 'title', 'detail']);
    if (type !== raisedError) at.at('type').add('NOT_ALLOWED', `must be ${raisedError}`);
    return { raise: { code: title, ...(detail !== undefined && { message: valueOf(at.at('detail'), detail) }) } };
  },
  wait: (place, task, rest) => {
    const { wait } = objectAt(place, task, ['wait']);
    return { wait: { seconds: secondsAt(place.at('wait'), wait), ...rest } };
  },
  listen: (place, task, rest) => {
    const { listen, timeout } = objectAt(place, task, ['listen', 'timeout']);
    const at = place.at('listen', 'to', 'any');
    const { to } = objectAt(place.at('listen'), listen, ['to']);
    const { any: filters } = objectAt(place.at('listen', 'to'), to, ['any']);
    if (!Array.isArray(filters)) at.add('WRONG_TYPE', 'must be a list');
    const events = (Array.isArray(filters) ? (filters as unknown[]) : []).map((each, index) =>
      readEvent(at.at(index), each),
    );
    return { listen: { events, ...readTimeout(place, timeout), ...rest } };
  },
  run: (place, task, { flow, ...rest }) => {
    const { run } = objectAt(place, task, ['run']);
    const at = place.at('run', 'workflow');
    const { workflow, await: waits = true } = objectAt(place.at('run'), run, ['workflow', 'await']);
    const { name, input = {} } = objectAt(at, workflow, ['namespace', 'name', 'version', 'input']);
    const key = flow ?? keyOfName(textAt(at.at('name'), name));
    return { run: { flow: key, inputs: namedAt(at.at('input'), input), waits, ...rest } };
  },
};

/** The choice leads to a task of each case, beside it. */
function readSwitch(place: Place, tasks: unknown): Json {
  const items = itemsAt(place, tasks);
  const [choice] = items;
  const branches = new Map(items.slice(1).map(([at, name, value]) => [name, { at, value }]));
  const stepsOf = (name: string): Json[] => {
    const branch = branches.get(name);
    if (!branch) return [];
    const { do: own } = objectAt(branch.at, branch.value, ['do', 'then']);
    return stepsAt(branch.at.at('do'), own);
  };
  const at = choice?.[0].at('switch') ?? place;
  const { switch: chosen } = objectAt(choice?.[0] ?? place, choice?.[2], ['switch']);
  const cases = itemsAt(at, chosen).flatMap(([each, name, value]) => {
    if (name === switchTask.otherwise) return [];
    const { when, then } = objectAt(each, value, ['when', 'then']);
    return [{ condition: valueOf(each.at('when'), when), steps: stepsOf(textAt(each.at('then'), then)) }];
  });
  return { cases, otherwise: stepsOf(switchTask.otherwise) };
}

function readRetry(place: Place, value: unknown): Json {
  const { delay, backoff = { exponential: {} }, limit } = objectAt(place, value, ['delay', 'backoff', 'limit']);
  objectAt(place.at('backoff'), backoff, ['exponential']);
  const at = place.at('limit', 'attempt');
  const { attempt } = objectAt(place.at('limit'), limit, ['attempt']);
  const { count } = objectAt(at, attempt, ['count']);
  if (typeof count !== 'number') at.at('count').add('WRONG_TYPE', 'must be a number');
  return {
    maxAttempts: typeof count === 'number' ? count + 1 : 1,
    ...(delay !== undefined && { delaySeconds: secondsAt(place.at('delay'), delay) }),
  };
}

function readHttp(place: Place, task: Json, { isDefaultMethod, ...rest }: Json): Json {
  const { with: content, timeout } = objectAt(place, task, ['call', 'with', 'timeout']);
  const at = place.at('with');
  const {
    method,
    endpoint,
    headers = {},
    body,
    output,
  } = objectAt(at, content, [...['method', 'endpoint', 'headers', 'body', 'output']]);
  if (output !== 'response') at.at('output').add('NOT_ALLOWED', 'must be response');
  const { uri, authentication }: Json =
    typeof endpoint === 'string' ? { uri: endpoint } : objectAt(at.at('endpoint'), endpoint, ['uri', 'authentication']);
  return {
    ...(isDefaultMethod !== true && { method }),
    url: valueOf(at.at('endpoint'), uri),
    ...(authentication !== undefined && { secretName: secretAt(at.at('endpoint', 'authentication'), authentication) }),
    headers: namedAt(at.at('headers'), headers),
    ...(body !== undefined && { body: valueOf(at.at('body'), body) }),
    ...readTimeout(place, timeout),
    ...rest,
  };
}

function secretAt(place: Place, value: unknown): string {
  const { bearer } = objectAt(place, value, ['bearer']);
  const { use } = objectAt(place.at('bearer'), bearer, ['use']);
  return textAt(place.at('bearer', 'use'), use);
}

function readTimeout(place: Place, timeout: unknown): Json {
  if (timeout === undefined) return {};
  const { after } = objectAt(place.at('timeout'), timeout, ['after']);
  return { timeoutSeconds: secondsAt(place.at('timeout', 'after'), after) };
}

function readEvent(place: Place, value: unknown): Json {
  const at = place.at('with');
  const { with: content } = objectAt(place, value, ['with']);
  const { type, key, ...expressions } = objectAt(at, content, ['type', 'key', 'recordId', 'match', 'correlation']);
  const [, kind = '', name] = /^(change|signal):(.+)$/.exec(textAt(at.at('type'), type)) ?? [];
  if (kind === '') at.at('type').add('NOT_ALLOWED', 'must be change:… or signal:…');
  const texts: Json = Object.fromEntries(
    Object.entries(expressions).map(([field, each]) => [field, valueOf(at.at(field), each)]),
  );
  return { key, ...texts, [kind === 'change' ? 'type' : 'signal']: name };
}

function namedAt(place: Place, value: unknown): Json[] {
  return Object.entries(objectAt(place, value)).map(([name, each]) => ({ name, value: valueOf(place.at(name), each) }));
}
