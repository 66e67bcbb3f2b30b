import { setTimeout as delay } from 'node:timers/promises';
import { queryDatabase, type Platform, type Service } from '@rapport/testing';

/** One thing that breaks, for a while. */
export interface Fault {
  name: string;
  strike: () => Promise<void>;
  /** Resolves when what broke is back. */
  heal: () => Promise<void>;
}

/** Each process killed and frozen: two edges, the services, Redis, a backend of PostgreSQL and the postmaster. */
export function allFaults(platform: Platform): Fault[] {
  const { services, redis, postgres } = platform;
  if (!redis) throw new Error('Two edges have a Redis.');
  const [edge, otherEdge] = services.edges as [Service, Service];
  const { auth, customers, sync } = services;
  const processes = { edge, otherEdge, auth, customers, sync };
  return [
    ...Object.entries(processes).flatMap(([name, service]) => [
      { name: `kill -9 ${name}`, strike: () => service.kill(), heal: () => service.start() },
      frozen(name, () => service.pid ?? 0),
    ]),
    { name: 'kill -9 redis', strike: () => redis.kill(), heal: () => redis.start() },
    frozen('redis', () => redis.pid),
    { name: 'kill -9 a backend', strike: () => killBackend(platform), heal: async () => undefined },
    { name: 'kill -9 the postmaster', strike: () => postgres.kill(), heal: () => startAgain(platform) },
    frozen('the postmaster', () => postgres.pid),
  ];
}

function frozen(name: string, pid: () => number): Fault {
  return {
    name: `SIGSTOP ${name}`,
    strike: async () => void process.kill(pid(), 'SIGSTOP'),
    heal: async () => void process.kill(pid(), 'SIGCONT'),
  };
}

async function killBackend({ customersDatabase }: Platform): Promise<void> {
  const [backend] = await queryDatabase<{ pid: number }>(
    customersDatabase.superuserUrl,
    `select pid from pg_stat_activity where usename = 'customers_app' order by state = 'active' desc limit 1`,
  );
  if (!backend) throw new Error('Customers has no connection.');
  process.kill(backend.pid, 'SIGKILL');
}

/** Backends of the killed server may hold its memory for a moment. */
async function startAgain({ postgres }: Platform): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await postgres.start();
    } catch (error) {
      if (attempt === 50) throw error;
      await delay(100);
    }
  }
}
