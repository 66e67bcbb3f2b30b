import type { ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { signalProcess, type Namespace } from './namespace.ts';
import { databasePort, etcdCommand, patroniPort, type Member } from './server-files.ts';

const requestTimeoutMs = 2_000;

/** A machine of the cluster as Patroni sees it, in `/cluster`. */
export interface ClusterMember {
  name: string;
  role: string;
  state: string;
  timeline?: number;
}

/** One of the machines of the cluster, with etcd, Patroni and PostgreSQL. */
export class Machine implements Member {
  readonly name: string;
  readonly namespace: Namespace;
  readonly #folder: string;
  readonly #logDir: string;
  #etcd: ChildProcess | undefined;
  #relay: ChildProcess | undefined;
  #relayed: string[] = [];

  /** @param folder with its data and the file of Patroni */
  constructor(name: string, namespace: Namespace, folder: string, logDir: string) {
    this.name = name;
    this.namespace = namespace;
    this.#folder = folder;
    this.#logDir = logDir;
  }

  get address(): string {
    return this.namespace.address;
  }

  get databaseAddress(): string {
    return this.namespace.addresses[1] ?? '';
  }

  startEtcd(members: readonly Member[]): void {
    const command = etcdCommand(this, members, join(this.#folder, 'etcd'));
    this.#etcd = this.namespace.spawn(command, this.#log('etcd'));
  }

  killEtcd(): void {
    if (this.#etcd?.pid !== undefined) signalProcess(this.#etcd.pid, 'SIGKILL');
  }

  startPatroni(): void {
    this.namespace.spawn(['patroni', join(this.#folder, 'patroni.json')], this.#log('patroni'));
  }

  /** Ends the postmaster alone; Patroni sees it. */
  async killPostmaster(): Promise<void> {
    const pid = Number.parseInt(await readFile(join(this.#folder, 'data/postmaster.pid'), 'utf8'), 10);
    signalProcess(pid, 'SIGKILL');
  }

  async isPrimary(): Promise<boolean> {
    return (await this.#get('/primary'))?.ok ?? false;
  }

  /** The cluster as this machine sees it; undefined when it does not answer. */
  async members(): Promise<ClusterMember[] | undefined> {
    const answer = await this.#get('/cluster');
    return answer?.ok ? ((await answer.json()) as { members: ClusterMember[] }).members : undefined;
  }

  /** Asks Patroni to hand the role of the primary over to a standby. */
  async switchOver(): Promise<void> {
    const body = JSON.stringify({ leader: this.name });
    const answer = await fetch(`${this.#url}/switchover`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`Patroni refused the switchover: ${answer.status} ${await answer.text()}`);
  }

  /** Delays what goes between this machine and the PostgreSQL of the others, in each direction. */
  async startLag(others: readonly Member[], delayMs: number): Promise<void> {
    // The addresses become those of the relay. Connections from before end with their next byte.
    this.#relayed = others.map(({ databaseAddress }) => databaseAddress);
    for (const address of this.#relayed) await this.namespace.ip(`addr add ${address}/32 dev lo`);
    const routes = others.map((other) => `${other.databaseAddress}=${other.address}`);
    const args = [String(delayMs), String(databasePort), ...routes];
    this.#relay = this.namespace.spawnScript(join(import.meta.dirname, 'delay-relay.ts'), args, this.#log('relay'));
  }

  async endLag(): Promise<void> {
    if (this.#relay?.pid !== undefined) signalProcess(this.#relay.pid, 'SIGKILL');
    for (const address of this.#relayed.splice(0)) await this.namespace.ip(`addr del ${address}/32 dev lo`);
  }

  get #url(): string {
    return `http://${this.address}:${patroniPort}`;
  }

  #get(path: string): Promise<Response | undefined> {
    return fetch(this.#url + path, { signal: AbortSignal.timeout(requestTimeoutMs) }).catch(() => undefined);
  }

  #log(program: string): string {
    return join(this.#logDir, `${this.name}-${program}.log`);
  }
}
