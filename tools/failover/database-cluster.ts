import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { vi } from 'vitest';
import { Machine, type ClusterMember } from './machine.ts';
import { Network } from './network.ts';
import { databasePort, haproxyFile, patroniFile, type Passwords } from './server-files.ts';

const startTimeoutMs = 180_000;
const names = ['a', 'b', 'c'];

/** Three machines with PostgreSQL, of which Patroni makes one the primary, behind HAProxy on a fourth. */
export class DatabaseCluster {
  readonly machines: readonly Machine[];
  /** Of the superuser at the primary, by HAProxy. */
  readonly superuserUrl: string;
  readonly #network: Network;

  private constructor(machines: readonly Machine[], superuserUrl: string, network: Network) {
    this.machines = machines;
    this.superuserUrl = superuserUrl;
    this.#network = network;
  }

  /** @param folder for its data; it is removed with the cluster, at any end of this process */
  static async start(folder: string, logDir: string): Promise<DatabaseCluster> {
    await chmod(folder, 0o711);
    const network = await Network.make(folder);
    try {
      return await startIn(network, folder, logDir, (machines, url) => new DatabaseCluster(machines, url, network));
    } catch (error) {
      await network.remove();
      throw error;
    }
  }

  /** The machine that says that it is the primary. */
  async primary(): Promise<Machine> {
    return vi.waitUntil(
      async () => {
        const answers = await Promise.all(this.machines.map((machine) => machine.isPrimary()));
        const primaries = this.machines.filter((_, index) => answers[index]);
        return primaries.length === 1 && primaries[0];
      },
      { timeout: startTimeoutMs, interval: 100 },
    );
  }

  async standbys(): Promise<Machine[]> {
    const primary = await this.primary();
    return this.machines.filter((machine) => machine !== primary);
  }

  /** Whether there is a primary, and both others follow it and count for its quorum. */
  async isWhole(): Promise<boolean> {
    const views = await Promise.all(this.machines.map((machine) => machine.members()));
    return views.every((members) => members !== undefined && isWhole(members));
  }

  /** Kills all of its processes. */
  stop(): Promise<void> {
    return this.#network.remove();
  }
}

async function startIn(
  network: Network,
  folder: string,
  logDir: string,
  make: (machines: readonly Machine[], superuserUrl: string) => DatabaseCluster,
): Promise<DatabaseCluster> {
  const passwords = { superuser: randomBytes(24).toString('hex'), replication: randomBytes(24).toString('hex') };
  const machines: Machine[] = [];
  for (const [index, name] of names.entries()) {
    const namespace = await network.namespace(name, [11 + index, 21 + index]);
    machines.push(new Machine(name, namespace, join(folder, name), logDir));
  }
  for (const machine of machines) await prepareFolder(machine, machines, folder, passwords);
  for (const machine of machines) machine.startEtcd(machines);
  for (const machine of machines) machine.startPatroni();

  const proxy = await network.namespace('p', [2]);
  const file = join(folder, 'haproxy.cfg');
  await writeFile(file, haproxyFile(proxy.address, machines));
  proxy.spawn(['haproxy', '-db', '-f', file], join(logDir, 'haproxy.log'));
  const superuserUrl = `postgres://postgres:${passwords.superuser}@${proxy.address}:${databasePort}/postgres`;
  const cluster = make(machines, superuserUrl);
  await vi.waitUntil(() => cluster.isWhole(), { timeout: startTimeoutMs, interval: 500 });
  return cluster;
}

/** A folder of the account of PostgreSQL. */
async function prepareFolder(
  machine: Machine,
  machines: readonly Machine[],
  folder: string,
  passwords: Passwords,
): Promise<void> {
  const own = join(folder, machine.name);
  await mkdir(own, { mode: 0o700 });
  const file = join(own, 'patroni.json');
  await writeFile(file, patroniFile(machine, machines, own, passwords), { mode: 0o600 });
  await promisify(execFile)('chown', ['-R', 'postgres:postgres', own]);
}

function isWhole(members: readonly ClusterMember[]): boolean {
  const [leader] = members.filter(({ role, state }) => role === 'leader' && state === 'running');
  const standbys = members.filter(({ role, state }) => role === 'quorum_standby' && state === 'streaming');
  return standbys.length === names.length - 1 && standbys.every(({ timeline }) => timeline === leader?.timeline);
}
