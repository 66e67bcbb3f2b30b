import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { childEnvironment } from './platform/child-environment.js';
import { nodeProgram } from './platform/node-program.js';

const timeoutMs = 120_000;
/** A line of a bundled program, which Node shows with an error, may have a megabyte. */
const lineLength = 300;

/**
 * Runs a script with Node to its end.
 *
 * @returns what it wrote to standard output
 * @throws Error with its last lines when it fails
 */
export async function runScript(
  script: string,
  args: string[],
  env: Record<string, string>,
  signal?: AbortSignal,
): Promise<string> {
  try {
    const options = { env: childEnvironment(env), timeout: timeoutMs, ...(signal && { signal }) };
    const { stdout } = await promisify(execFile)(nodeProgram(), [script, ...args], options);
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: string | number };
    const output = `${stdout}\n${stderr}`.trim();
    const lines = output.split('\n').slice(-15);
    const shown = lines.map((line) => (line.length > lineLength ? `${line.slice(0, lineLength)}…` : line)).join('\n');
    // The error of a program that has written something repeats all of it.
    throw new Error(`${script} failed (${code}). Its last lines:\n${shown}`, output === '' ? { cause: error } : {});
  }
}
