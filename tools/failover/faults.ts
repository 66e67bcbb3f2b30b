import { drawnBy, queryDatabase } from '@rapport/testing';
import { vi } from 'vitest';
import type { DatabaseCluster } from './database-cluster.ts';
import type { Machine } from './machine.ts';

/** Of each direction, between a standby and the others. */
const lagMs = 300;

/** A fault that has struck. */
export interface Struck {
  /** When it began, by `performance.now()`. */
  at: number;
  heal: () => Promise<void> | void;
}

export interface Fault {
  name: string;
  /** Whether the cluster writes again before the fault is healed. */
  isSurvived: boolean;
  /** @param seed decides which of several machines it strikes */
  strike: (cluster: DatabaseCluster, seed: number) => Promise<Struck>;
}

const kinds: Fault[] = [
  { name: 'kill -9 the primary', isSurvived: true, strike: (cluster) => killPrimary(cluster) },
  { name: 'kill -9 the machine of the primary', isSurvived: true, strike: (cluster) => killPrimaryMachine(cluster) },
  {
    name: 'freeze the primary',
    isSurvived: true,
    strike: async (cluster) => {
      const { namespace } = await cluster.primary();
      const at = performance.now();
      await namespace.signal('SIGSTOP');
      return { at, heal: () => namespace.signal('SIGCONT') };
    },
  },
  {
    name: 'cut off the primary',
    isSurvived: true,
    strike: async (cluster) => cutOff([await cluster.primary()]),
  },
  {
    name: 'switch over',
    isSurvived: true,
    strike: async (cluster) => {
      const primary = await cluster.primary();
      const at = performance.now();
      await primary.switchOver();
      return { at, heal: () => undefined };
    },
  },
  {
    name: 'cut off the primary and a standby',
    isSurvived: false,
    strike: async (cluster, seed) => cutOff([await cluster.primary(), await standby(cluster, seed)]),
  },
  {
    name: 'cut off both standbys',
    isSurvived: false,
    strike: async (cluster) => cutOff(await cluster.standbys()),
  },
  {
    name: 'kill -9 etcd',
    isSurvived: false,
    strike: async ({ machines }) => {
      const at = performance.now();
      for (const machine of machines) machine.killEtcd();
      return { at, heal: () => machines.forEach((machine) => machine.startEtcd(machines)) };
    },
  },
  {
    name: 'a standby with lag',
    isSurvived: true,
    strike: async (cluster, seed) => lag(cluster, await standby(cluster, seed)),
  },
  {
    name: 'a standby with lag, and kill -9 the machine of the primary',
    isSurvived: true,
    strike: async (cluster, seed) => {
      const lagging = await lag(cluster, await standby(cluster, seed));
      const killed = await killPrimaryMachine(cluster);
      return { at: killed.at, heal: () => Promise.all([lagging.heal(), killed.heal()]).then(() => undefined) };
    },
  },
];

/** Faults of all kinds, each kind as often as the others or once more, in an order that the seed determines. */
export function drawFaults(seed: number, count: number): Fault[] {
  const rounds = Array.from({ length: Math.ceil(count / kinds.length) }, (_, round) => round);
  return rounds.flatMap((round) => drawnBy(seed + round, kinds, kinds.length)).slice(0, count);
}

/** Patroni starts it again, or promotes a standby. */
async function killPrimary(cluster: DatabaseCluster): Promise<Struck> {
  const primary = await cluster.primary();
  const at = performance.now();
  await primary.killPostmaster();
  return { at, heal: () => undefined };
}

async function killPrimaryMachine(cluster: DatabaseCluster): Promise<Struck> {
  const machine = await cluster.primary();
  const at = performance.now();
  await machine.namespace.signal('SIGKILL');
  const heal = () => {
    machine.startEtcd(cluster.machines);
    machine.startPatroni();
  };
  return { at, heal };
}

async function cutOff(machines: readonly Machine[]): Promise<Struck> {
  const setLinks = async (state: 'up' | 'down') => {
    await Promise.all(machines.map(({ namespace }) => namespace.setLink(state)));
  };
  const at = performance.now();
  await setLinks('down');
  return { at, heal: () => setLinks('up') };
}

async function standby(cluster: DatabaseCluster, seed: number): Promise<Machine> {
  const [machine] = drawnBy(seed, await cluster.standbys(), 1);
  if (!machine) throw new Error('The cluster has no standby.');
  return machine;
}

async function lag({ machines, superuserUrl }: DatabaseCluster, machine: Machine): Promise<Struck> {
  const others = machines.filter((each) => each !== machine);
  await machine.startLag(others, lagMs);
  const sql = `select from pg_stat_replication where application_name = $1 and flush_lag >= $2::int * interval '1 ms'`;
  const isLate = async () => (await queryDatabase(superuserUrl, sql, [machine.name, lagMs])).length > 0;
  await vi.waitUntil(isLate, { timeout: 60_000, interval: 200 });
  return { at: performance.now(), heal: () => machine.endLag() };
}
