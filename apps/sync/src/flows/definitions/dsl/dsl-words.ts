/** JSON objects of documents and definitions. */
export type Json = Readonly<Record<string, unknown>>;

/** The version of the Serverless Workflow DSL that documents have. */
export const dslVersion = '1.0.0';

/** The namespace of our flows. */
export const namespace = 'rapport';

/** Type of the errors of steps `raise`, as the DSL names those of workflows themselves. */
export const raisedError = 'https://serverlessworkflow.io/spec/1.0.0/errors/runtime';

/** Prefix of functions in calls, for the steps that the DSL has no task for: their arguments are those of the step. */
export const functionPrefix = 'rapport.';

/** Names of the tasks within the task of a step `switch`. */
export const switchTask = { choice: 'choose', otherwise: 'otherwise', case: (index: number) => `case-${index + 1}` };

/** An expression in CEL as the DSL writes it. */
export function expression(text: string): string {
  return `\${ ${text} }`;
}

/** The text of an expression of the DSL; undefined for a value that is none. */
export function expressionText(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const [, text] = /^\s*\$\{([^]*)\}\s*$/.exec(value) ?? [];
  return text === undefined ? undefined : text.startsWith(' ') && text.endsWith(' ') ? text.slice(1, -1) : text;
}

/** The name of a flow in documents, which have no underscores. */
export function nameOfKey(key: string): string {
  return key.replace(/(?<!_)_+$/, '').replaceAll('_', '-');
}

export function keyOfName(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}
