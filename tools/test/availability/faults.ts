import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { queryDatabase, type Platform, type Service } from '@rapport/testing';
import { expect } from 'vitest';

/** A temporary fault. */
export interface Fault {
  name: string;
  /** URL of the frozen edge, if it is one: its requests end when it resumes. */
  frozenEdge?: string | undefined;
  strike: () => Promise<void>;
  /** Resolves when the fault is over. */
  heal: () => Promise<void>;
}

/** Each process killed and frozen: two edges, the services, Redis, a backend of PostgreSQL and the postmaster. */
export function allFaults(platform: Platform): Fault[] {
  const { services, redis, postgres } = platform;
  if (!redis) throw new Error('The platform has no Redis.');
  const [edge, otherEdge] = services.edges as [Service, Service];
  const { auth, customers, sync } = services;
  const [edgeUrl, otherEdgeUrl] = platform.edgeUrls;
  const processes = { edge, otherEdge, auth, customers, sync };
  const frozenEdges: Record<string, string | undefined> = { edge: edgeUrl, otherEdge: otherEdgeUrl };
  return [
    ...Object.entries(processes).flatMap(([name, service]) => [
      killed(name, () => service.pid, service),
      { ...frozen(name, () => service.pid), frozenEdge: frozenEdges[name] },
    ]),
    killed('redis', () => redis.pid, redis),
    frozen('redis', () => redis.pid),
    { name: 'kill -9 a backend', strike: () => killBackend(platform), heal: async () => undefined },
    killed('the postmaster', () => postgres.pid, { kill: () => postgres.kill(), start: () => startAgain(platform) }),
    frozen('the postmaster', () => postgres.pid),
  ];
}

type Pid = () => number | undefined;

function killed(name: string, pidOf: Pid, process: Pick<Service, 'kill' | 'start'>): Fault {
  const strike = async () => {
    const pid = pidOf();
    await process.kill();
    expect(await stateOf(pid)).toBe('gone');
  };
  return { name: `kill -9 ${name}`, strike, heal: () => process.start() };
}

function frozen(name: string, pidOf: Pid): Fault {
  const signal = (kind: 'SIGSTOP' | 'SIGCONT') => process.kill(pidOf() ?? 0, kind);
  const strike = async () => {
    signal('SIGSTOP');
    await expect.poll(() => stateOf(pidOf())).toBe('T');
  };
  return { name: `SIGSTOP ${name}`, strike, heal: async () => void signal('SIGCONT') };
}

/** The state letter of a process on Linux (proc_pid_stat(5)). */
async function stateOf(pid: number | undefined): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') gone');
  return stat.slice(stat.lastIndexOf(')')).split(' ')[1];
}

async function killBackend({ customersDatabase }: Platform): Promise<void> {
  const [backend] = await queryDatabase<{ pid: number }>(
    customersDatabase.superuserUrl,
    `select pid from pg_stat_activity where usename = 'customers_app' order by state = 'active' desc limit 1`,
  );
  if (!backend) throw new Error('Customers has no connection.');
  process.kill(backend.pid, 'SIGKILL');
  await expect.poll(() => stateOf(backend.pid)).toBe('gone');
}

/** Backends of the killed server may hold its shared memory for a moment. */
async function startAgain({ postgres }: Platform): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await postgres.start();
    } catch (error) {
      if (attempt === 50) throw error;
      // Polls a condition.
      await delay(100);
    }
  }
}
