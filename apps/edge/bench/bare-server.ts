import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface BareAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface BareServer {
  url: string;
  pid: number | undefined;
  stop(): Promise<void>;
}

/** A server in its own process that gives every request the same answer, with the minimal use of its framework. */
export async function startBareServer(framework: 'http' | 'fastify', answer: BareAnswer): Promise<BareServer> {
  const child = fork(join(import.meta.dirname, 'bare-server-main.ts'), [framework], { execArgv: [] });
  child.send(answer);
  const [port] = (await once(child, 'message')) as [number];
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid,
    stop: async () => {
      const exited = once(child, 'exit');
      child.disconnect();
      await exited;
    },
  };
}
