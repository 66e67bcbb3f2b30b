import {
  dslVersion,
  expression,
  functionPrefix,
  keyOfName,
  nameOfKey,
  namespace,
  raisedError,
  switchTask,
  type Json,
} from './dsl-words.js';

/** A flow as the API shows it, and the version that its definition has; undefined for the draft. */
export interface WrittenFlow {
  key: string;
  name: string;
  description: string | undefined;
  version: number | undefined;
  definition: Json;
}

/**
 * A flow as a document of the Serverless Workflow DSL 1.0. What the DSL has no words for is in `metadata.rapport`: of the
 * document the trigger and the rules of runs, of a task the parts of the step that its task does not say.
 */
export function writeDsl({ key, name, description, version, definition }: WrittenFlow): Json {
  const { steps, ...rules } = definition;
  const secrets = secretsOf(steps);
  return {
    document: {
      ...{ dsl: dslVersion, namespace, name: nameOfKey(key), version: `${version ?? 0}.0.0`, title: name },
      ...(description !== undefined && { summary: description }),
      metadata: { rapport: { key, ...rules } },
    },
    evaluate: { language: 'cel' },
    ...(secrets.length > 0 && { use: { secrets } }),
    do: tasksOf(steps),
  };
}

function tasksOf(steps: unknown): Json[] {
  return (steps as readonly Json[]).map((step) => ({ [step['key'] as string]: taskOf(step) }));
}

function taskOf({ key: _, name, condition, ...content }: Json): Json {
  const [[kind, of] = ['', {}]] = Object.entries(content) as [string, Json][];
  const { task, rest = {} } = writers[kind]?.(of) ?? { task: { call: `${functionPrefix}${kind}`, with: of } };
  const own = { ...(name !== undefined && { name }), ...rest };
  return {
    ...(condition !== undefined && { if: expression(condition as string) }),
    ...task,
    ...(Object.keys(own).length > 0 && { metadata: { rapport: own } }),
  };
}

/** A task of the DSL, and the parts of the step that it does not say. */
interface Written {
  task: Json;
  rest?: Json;
}

/** By the kind of the step; undefined where the DSL can not say a step. */
const writers: Readonly<Record<string, (content: Json) => Written | undefined>> = {
  set: ({ variables }) => {
    const set = namedValues(variables);
    return set && { task: { set } };
  },
  switch: writeSwitch,
  for: ({ in: list, steps, ...rest }) => ({
    task: { for: { each: 'item', in: expression(list as string), at: 'index' }, do: tasksOf(steps) },
    rest,
  }),
  fork: ({ branches, mode }) => ({
    task: {
      fork: {
        branches: (branches as readonly Json[]).map(({ key, steps }) => ({ [key as string]: { do: tasksOf(steps) } })),
        compete: mode === 'ANY',
      },
    },
    ...(mode === 'ALL' && { rest: { mode } }),
  }),
  do: ({ steps }) => ({ task: { do: tasksOf(steps) } }),
  try: writeTry,
  raise: ({ code, message }) => {
    const detail = message !== undefined && { detail: expression(message as string) };
    return { task: { raise: { error: { type: raisedError, status: 500, title: code, ...detail } } } };
  },
  http: writeHttp,
  wait: ({ until, seconds, ...rest }) => (until === undefined ? { task: { wait: { seconds } }, rest } : undefined),
  listen: ({ events, timeoutSeconds, failsOnTimeout, ...rest }) => ({
    task: { listen: { to: { any: (events as readonly Json[]).map(eventOf) } }, ...timeout(timeoutSeconds) },
    rest: { ...rest, ...(failsOnTimeout === true && { failsOnTimeout }) },
  }),
  run: ({ flow, inputs, waits }) => {
    const [key, input] = [flow as string, namedValues(inputs)];
    if (!input) return undefined;
    const workflow = { namespace, name: nameOfKey(key), version: 'latest', input };
    const isNamed = keyOfName(workflow.name) === key;
    return { task: { run: { workflow, await: waits === true } }, ...(!isNamed && { rest: { flow } }) };
  },
};

/** A switch of the DSL leads to other tasks: those of its cases are beside it, in a task of their own. */
function writeSwitch({ cases, otherwise }: Json): Written {
  const all = cases as readonly Json[];
  const others = otherwise as readonly Json[];
  const choice = all.map(({ condition }, index) => {
    const name = switchTask.case(index);
    return { [name]: { when: expression(condition as string), then: name } };
  });
  const { otherwise: last } = switchTask;
  const branch = (name: string, steps: unknown) => ({ [name]: { do: tasksOf(steps), then: 'exit' } });
  const list = [
    { [switchTask.choice]: { switch: [...choice, { [last]: { then: others.length > 0 ? last : 'exit' } }] } },
    ...all.map(({ steps }, index) => branch(switchTask.case(index), steps)),
    ...(others.length > 0 ? [branch(last, others)] : []),
  ];
  return { task: { do: list }, rest: { kind: 'switch' } };
}

function writeTry({ steps, retry, catch: after }: Json): Written {
  const { maxAttempts, delaySeconds, ...rest } = (retry ?? {}) as Json;
  const policy = {
    ...(delaySeconds !== undefined && { delay: { seconds: delaySeconds } }),
    backoff: { exponential: {} },
    // The first attempt is no retry.
    limit: { attempt: { count: (maxAttempts as number) - 1 } },
  };
  const others = tasksOf(after);
  return {
    task: {
      try: tasksOf(steps),
      catch: { as: 'error', ...(retry !== undefined && { retry: policy }), ...(others.length > 0 && { do: others }) },
    },
    rest,
  };
}

function writeHttp({ method, url, headers, body, secretName, timeoutSeconds, ...more }: Json): Written | undefined {
  const names = namedValues(headers);
  // Addresses of the DSL have one line.
  if (!names || /[\r\n\u2028\u2029]/.test(url as string)) return undefined;
  const uri = expression(url as string);
  const { expectedStatuses, isUnrepeatable } = more;
  return {
    task: {
      call: 'http',
      with: {
        method: method ?? 'POST',
        endpoint: secretName === undefined ? uri : { uri, authentication: { bearer: { use: secretName } } },
        ...(Object.keys(names).length > 0 && { headers: names }),
        ...(body !== undefined && { body: expression(body as string) }),
        output: 'response',
      },
      ...timeout(timeoutSeconds),
    },
    rest: {
      ...(method === undefined && { isDefaultMethod: true }),
      ...((expectedStatuses as readonly unknown[]).length > 0 && { expectedStatuses }),
      ...(isUnrepeatable === true && { isUnrepeatable }),
    },
  };
}

function eventOf({ type, signal, key, ...expressions }: Json): Json {
  const given = Object.entries(expressions).map(([name, text]) => [name, expression(text as string)]);
  const name = signal === undefined ? `change:${type as string}` : `signal:${signal as string}`;
  return { with: { type: name, key, ...Object.fromEntries(given) } };
}

function timeout(seconds: unknown): Json {
  return seconds === undefined ? {} : { timeout: { after: { seconds } } };
}

/** Values by name; undefined if a name occurs twice, which an object can not say. */
function namedValues(values: unknown): Record<string, string> | undefined {
  const entries = (values as readonly Json[]).map(({ name, value }) => [name, expression(value as string)] as const);
  const named = Object.fromEntries(entries) as Record<string, string>;
  return Object.keys(named).length === entries.length ? named : undefined;
}

/** Names of the secrets of all steps, each once. */
function secretsOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const { http } = value as { http?: { secretName?: string } };
  const own = http?.secretName === undefined ? [] : [http.secretName];
  return [...new Set([...own, ...Object.values(value).flatMap(secretsOf)])];
}
