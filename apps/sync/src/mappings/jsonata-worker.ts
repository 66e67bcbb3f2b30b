// Runs in a worker thread: evaluates one expression after the other, each within what is left of its limits here.
import { parentPort } from 'node:worker_threads';
import jsonata from 'jsonata';
import type { JsonValue } from '../connectors/peer-record.js';

export interface EvaluationJob {
  expression: string;
  input: JsonValue;
}

export type EvaluationDone = { result: JsonValue } | { error: string };

const limits = { timeout: 200, stack: 100, sequence: 10_000 };
const maxResultLength = 65_536;

parentPort?.on('message', (job: EvaluationJob) => void evaluate(job).then((done) => parentPort?.postMessage(done)));

async function evaluate({ expression, input }: EvaluationJob): Promise<EvaluationDone> {
  try {
    const result: unknown = await jsonata(expression, limits).evaluate(input);
    // As JSON, so that functions and what jsonata marks its lists with stay here.
    const text = JSON.stringify(result ?? null) ?? 'null';
    if (text.length > maxResultLength) return { error: `Its result has more than ${maxResultLength} characters.` };
    return { result: JSON.parse(text) as JsonValue };
  } catch (error) {
    return { error: error instanceof Error ? error.message : messageOf(error) };
  }
}

/** jsonata throws objects. */
function messageOf(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : 'It can not be evaluated.';
}
