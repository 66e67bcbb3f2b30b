import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { childEnvironment } from './platform/child-environment.js';

const timeoutMs = 120_000;

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
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...args], options);
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const lines = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n');
    throw new Error(`${script} failed. Its last lines:\n${lines}`, { cause: error });
  }
}
