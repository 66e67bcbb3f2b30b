import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync, readlinkSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';

/** Longer than any machine takes, so that only what hangs is given up. */
export const readyTimeoutMs = 300_000;

/** A running `npm start`, without its bootstrap, or another tool that runs until it is stopped. */
export interface StartedTool {
  output(): string;
  /** Resolves when it is ready and the demo complete. @throws Error with its output if it ends before */
  isReady(): Promise<void>;
  prints(text: string): Promise<void>;
  exitCode: Promise<number | null>;
  hasExited(): boolean;
  stop(): Promise<number | null>;
}

export function startTool(port: number, dataDir: string): Promise<StartedTool> {
  return spawnTool('start.ts', { EDGE_PORT: String(port), RAPPORT_DIR: dataDir });
}

/** Starts `nx run tools:local-mailbox`. Its account is in the `mailbox.json` of the folder once it is ready. */
export async function startLocalMailbox(dataDir: string): Promise<StartedTool> {
  const tool = await spawnTool('local-mailbox.ts', { RAPPORT_DIR: dataDir });
  await tool.prints('Ctrl-C stops it');
  return tool;
}

async function spawnTool(file: string, variables: Readonly<Record<string, string>>): Promise<StartedTool> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '..', file)], {
    env: { ...process.env, ...variables },
    // By the channel's end it knows that we are gone, however we ended.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  await once(child, 'spawn');
  return observe(child);
}

function observe(child: ChildProcess): StartedTool {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const exitCode = once(child, 'close').then(([code]) => code as number | null);
  const prints = async (text: string) => {
    const isPrinted = () => {
      if (hasExited()) throw new Error(`It has ended:\n${output}`);
      return output.includes(text);
    };
    await vi.waitUntil(isPrinted, { timeout: readyTimeoutMs });
  };
  return {
    output: () => output,
    isReady: async () => {
      await prints('Ctrl-C stops everything');
      if (output.includes('Making the demo workspace')) await prints('The demo workspace is complete.');
    },
    prints,
    exitCode,
    hasExited,
    stop: () => {
      child.kill('SIGTERM');
      return exitCode;
    },
  };
}

/** Which files the programs are, and of when. */
export function filesOfBuild(): Promise<number[][]> {
  const programs = globSync(join(import.meta.dirname, '../../apps/*/dist/main.js')).toSorted();
  return Promise.all(programs.map((file) => stat(file).then(({ ino, mtimeMs }) => [ino, mtimeMs])));
}

/** The processes that a platform started: they write their logs below its folder. */
export function processesOf(folder: string): string[] {
  const pids = globSync('/proc/[0-9]*').map((path) => path.slice('/proc/'.length));
  return pids.filter((pid) => readProcess(() => readlinkSync(`/proc/${pid}/fd/1`)).startsWith(folder));
}

export function commandOf(pid: string): string {
  return readProcess(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' '));
}

/** A process may end while one looks at it. */
function readProcess(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** The commands that it prints. */
export function curlLinesOf(output: string): string[] {
  return output.split('\n').filter((line) => line.startsWith('curl '));
}

/** The JSON that a command prints. */
export async function runInShell(line: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)('sh', ['-c', line]);
  return JSON.parse(stdout) as unknown;
}
