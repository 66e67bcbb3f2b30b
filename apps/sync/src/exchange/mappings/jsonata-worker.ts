// Runs in a worker thread: evaluates one expression after the other, each within its remaining limits.
import { parentPort } from 'node:worker_threads';
import jsonata from 'jsonata';
import { RE2JS } from 're2js';
import type { JsonValue } from '../../connectors/peer-record.js';

export interface EvaluationJob {
  expression: string;
  input: JsonValue;
}

/** `isSlow`: the evaluation timed out. */
export type EvaluationDone = { result: JsonValue } | { error: string; isSlow: boolean };

/** Error code of jsonata's `timeout`. */
const timeoutCode = 'D1012';

const maxResultLength = 65_536;

/**
 * A regular expression with linear matching time, whatever the pattern. Implements what jsonata uses of a global
 * RegExp. The syntax is RE2: no lookaround and no back-references.
 */
class LinearRegExp {
  lastIndex = 0;
  readonly #pattern: RE2JS;

  constructor({ source, flags }: RegExp) {
    const ignoresCase = flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0;
    const isMultiline = flags.includes('m') ? RE2JS.MULTILINE : 0;
    this.#pattern = RE2JS.compile(RE2JS.translateRegExp(source), ignoresCase | isMultiline);
  }

  exec(text: string): (string | undefined)[] | null {
    const matcher = this.#pattern.matcher(text);
    if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) {
      this.lastIndex = 0;
      return null;
    }
    this.lastIndex = matcher.end();
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group) ?? undefined);
    return Object.assign(groups, { index: matcher.start() });
  }
}

const limits = {
  timeout: 200,
  stack: 100,
  sequence: 10_000,
  RegexEngine: LinearRegExp as unknown as RegExpConstructor,
};

/** With less processor time than this, the evaluation timed out because the machine is busy. */
const leastCpuMs = 100;
const maxTries = 5;

parentPort?.on('message', (job: EvaluationJob) => void untilFair(job).then((done) => parentPort?.postMessage(done)));
parentPort?.postMessage('ready');

async function untilFair(job: EvaluationJob): Promise<EvaluationDone> {
  for (let tries = 1; ; tries += 1) {
    const { user, system } = process.threadCpuUsage();
    const done = await evaluate(job);
    const now = process.threadCpuUsage();
    const isFair = now.user - user + now.system - system >= leastCpuMs * 1_000;
    if ('result' in done || !done.isSlow || isFair || tries === maxTries) return done;
  }
}

async function evaluate({ expression, input }: EvaluationJob): Promise<EvaluationDone> {
  try {
    const result: unknown = await jsonata(expression, limits).evaluate(input);
    // As JSON, which drops functions and jsonata's marks on lists.
    const text = JSON.stringify(result ?? null) ?? 'null';
    if (text.length > maxResultLength) {
      return { error: `Its result has more than ${maxResultLength} characters.`, isSlow: false };
    }
    return { result: JSON.parse(text) as JsonValue };
  } catch (error) {
    // jsonata throws objects.
    const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
    return {
      error: typeof message === 'string' ? message : 'It cannot be evaluated.',
      isSlow: code === timeoutCode,
    };
  }
}
