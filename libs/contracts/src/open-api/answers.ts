import { freeName } from './free-name.js';
import type { Operation } from './operation.js';

type Json = Record<string, unknown>;

/**
 * Replaces the answers of success that several operations have by references.
 *
 * @returns the components, named after the schema of the answer
 */
export function shareAnswers(operations: readonly Operation[]): Record<string, Json> {
  const answers = operations.flatMap(({ responses }) =>
    Object.entries(responses)
      .filter(([status, answer]) => status.startsWith('2') && answer.$ref === undefined)
      .map(([status, answer]) => ({ responses, status, answer })),
  );
  const components: Record<string, Json> = {};
  for (const shared of Map.groupBy(answers, ({ answer }) => JSON.stringify(answer)).values()) {
    const [first] = shared;
    if (!first || shared.length === 1) continue;
    const name = freeName(answerName(first.answer), (taken) => taken in components);
    components[name] = first.answer;
    for (const { responses, status } of shared) responses[status] = { $ref: `#/components/responses/${name}` };
  }
  return components;
}

function answerName({ content }: Operation['responses'][string]): string {
  const [type] = Object.values(content ?? {}) as { schema?: { $ref?: string } }[];
  return `${type?.schema?.$ref?.split('/').pop() ?? ''}Answer`;
}
