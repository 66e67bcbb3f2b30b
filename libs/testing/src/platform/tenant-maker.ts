import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { childEnvironment } from './child-environment.js';
import { nodeProgram } from './node-program.js';
import { apps, type Environment } from './prepare-service.js';
import { endProcess, hasExited } from './process-exit.js';

/** A tenant with a key that has all permissions. */
export interface Tenant {
  tenantId: string;
  apiKey: string;
}

// Node 20, which scripts outside the repository may have, knows no Promise.withResolvers.
interface Waiting {
  resolve: (tenant: Tenant) => void;
  reject: (error: Error) => void;
}

interface Command {
  child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** A pending request, in the order of the requests. */
  waiting: Waiting[];
}

/** How long the command waits for a further tenant, in milliseconds: the tests between two tenants may take minutes. */
const idleMs = 300_000;
const stopTimeoutMs = 1_000;

/**
 * Creates tenants with the operator's command. It is started for the first one and then waits for more: its start takes a
 * hundred times as long as a tenant.
 */
export class TenantMaker {
  #command: Command | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param env of auth */
  constructor(private readonly env: Environment) {}

  /**
   * @param plan one of the edges' RATE_PLANS; the standard plan when absent
   * @param workspace the name that users sign in with; none when absent
   */
  create(displayName: string, plan?: string, workspace?: string): Promise<Tenant> {
    clearTimeout(this.#idle);
    if (!this.#command || hasExited(this.#command.child)) this.#command = startCommand(this.env);
    const { child, waiting } = this.#command;
    const tenant = new Promise<Tenant>((resolve, reject) => waiting.push({ resolve, reject }));
    child.stdin.write(`${JSON.stringify({ 'display-name': displayName, plan, workspace })}\n`);
    return tenant.finally(() => this.#waitForMore());
  }

  /** Pending requests fail. */
  async stop(): Promise<void> {
    clearTimeout(this.#idle);
    const command = this.#command;
    this.#command = undefined;
    if (command) await endProcess(command.child, 'SIGTERM', stopTimeoutMs, 'SIGKILL');
  }

  #waitForMore(): void {
    clearTimeout(this.#idle);
    const rest = () => {
      if (this.#command?.waiting.length === 0) void this.stop();
    };
    this.#idle = setTimeout(rest, idleMs).unref();
  }
}

function startCommand(env: Environment): Command {
  const args = [join(apps, 'auth/dist/create-tenant.js'), '--lines'];
  const child = spawn(nodeProgram(), args, { env: childEnvironment(env), stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting: Command['waiting'] = [];
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)));
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(JSON.parse(line) as Tenant));
  // Its output has the reason of its end; write errors after that add nothing.
  child.stdin.on('error', () => undefined);
  child.once('close', () => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`create-tenant failed. Its last lines:\n${said}`));
  });
  return { child, waiting };
}
