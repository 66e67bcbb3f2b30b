import {
  isSoak,
  sharedInTurn,
  startNameServer,
  startPlatform,
  type NameServer,
  type Platform,
  type Service,
} from '@rapport/testing';
import { expect } from 'vitest';
import { RotatedSecrets } from './rotated-secrets.ts';
import type { SteadyLoad } from './steady-load.ts';

const names = ['auth', 'customers', 'sync'] as const;

export type ServiceName = (typeof names)[number];

/**
 * Lifetime of the connections to services: how soon they find a new process. Each edge has up to four connections to each process,
 * and a handshake takes 10 ms of processor time.
 */
const connectionAgeSeconds = 5;

/** Number of calls that the share of a process is counted in. */
const counted = isSoak ? 200 : 100;

/** A platform of two edges and two processes of each service, which edges resolve by name as in a cluster. */
export class ReplicatedPlatform {
  /** By service and host. */
  readonly replicas: Record<ServiceName, Map<string, Service>> = {
    auth: new Map(),
    customers: new Map(),
    sync: new Map(),
  };

  readonly platform: Platform;
  readonly secrets: RotatedSecrets;
  readonly #nameServer: NameServer;

  private constructor(platform: Platform, nameServer: NameServer, secrets: RotatedSecrets) {
    this.platform = platform;
    this.#nameServer = nameServer;
    this.secrets = secrets;
  }

  static async start(): Promise<ReplicatedPlatform> {
    const nameServer = await startNameServer();
    for (const name of names) nameServer.set(name, ['127.0.0.1']);
    const secrets = await RotatedSecrets.make();
    const serviceEnv = { CONNECTION_AGE_SECONDS: String(connectionAgeSeconds) };
    const platform = await startPlatform({
      edges: 2,
      nameServer: nameServer.address,
      authEnv: { ...serviceEnv, ...secrets.env.auth },
      customersEnv: { ...serviceEnv, ...secrets.env.customers },
      syncEnv: { ...serviceEnv, ...secrets.env.sync },
      edgeEnv: secrets.env.edge,
    });
    const replicated = new ReplicatedPlatform(platform, nameServer, secrets);
    for (const name of names) replicated.replicas[name].set('127.0.0.1', platform.services[name]);
    await Promise.all(names.map((name) => replicated.add(name, '127.0.0.2')));
    return replicated;
  }

  async stop(): Promise<void> {
    await this.platform.stop();
    await this.#nameServer.stop();
    await this.secrets.remove();
  }

  /** Starts or restarts a process on a host, and registers its address once it is ready. */
  async add(name: ServiceName, host: string): Promise<Service> {
    const replica = this.replicas[name].get(host) ?? (await this.platform.replica(name, host));
    await replica.start();
    this.replicas[name].set(host, replica);
    this.#nameServer.set(name, [...this.replicas[name].keys()]);
    return replica;
  }

  /** Unregisters the address of a process, and then stops it. */
  async remove(name: ServiceName, host: string): Promise<void> {
    const others = [...this.replicas[name].keys()].filter((each) => each !== host);
    this.#nameServer.set(name, others);
    await this.replicas[name].get(host)?.stop();
  }

  /** The share of one process in the next calls of its service. */
  async shareOf(name: ServiceName, host: string, load: SteadyLoad): Promise<number> {
    const calls = () => Promise.all([...this.replicas[name].values()].map(callsOf));
    const before = await calls();
    await load.until(load.sent + counted);
    const answered = (await calls()).map((count, index) => count - (before[index] ?? 0));
    const place = [...this.replicas[name].keys()].indexOf(host);
    return (answered[place] ?? 0) / answered.reduce((sum, count) => sum + count, 0);
  }

  /** Restarts this many processes of each service, one of each at a time, the next when both edges have called the last. */
  async roll(processes: number, load: SteadyLoad): Promise<void> {
    const rollService = async (name: ServiceName) => {
      await this.#untilMet(name, '127.0.0.2', load);
      for (const host of [...this.replicas[name].keys()].slice(0, processes)) {
        await this.remove(name, host);
        await this.add(name, host);
        await this.#untilMet(name, host, load);
      }
    };
    const rollEdges = async () => {
      for (const [index, edge] of this.platform.services.edges.slice(0, processes).entries()) {
        await edge.stop();
        await edge.start();
        await load.untilReady(this.platform.edgeUrls[index] ?? '');
      }
    };
    await Promise.all([...names.map(rollService), rollEdges()]);
  }

  /** Waits until both edges call the process: it then has half of the calls. */
  async #untilMet(name: ServiceName, host: string, load: SteadyLoad): Promise<void> {
    await expect.poll(() => this.shareOf(name, host, load), { timeout: 240_000 }).toBeGreaterThan(0.4);
  }
}

/** One for all files: they run one after the other in a worker, and each leaves two processes of each service running. */
export const replicatedPlatform = sharedInTurn(
  () => ReplicatedPlatform.start(),
  (replicated) => replicated.stop(),
);

async function callsOf(service: Service): Promise<number> {
  const text = await (await fetch(`${service.healthUrl}/metrics`)).text();
  const ofMethods = [...text.matchAll(/^rapport_calls_total\{[^}]*\} (\d+)/gm)];
  return ofMethods.reduce((sum, [, count]) => sum + Number(count), 0);
}
