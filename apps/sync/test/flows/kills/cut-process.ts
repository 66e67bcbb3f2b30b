import type { MikroORM } from '@mikro-orm/postgresql';
import { createOrm } from '@rapport/persistence';
import type { PoolClient } from 'pg';
import { entities } from '../../../src/database.js';
import {
  EffectError,
  type EffectCall,
  type EffectOutcome,
  type EffectPort,
  type JsonObject,
} from '../../../src/flows/effects/effect-port.js';
import type { EngineParts } from '../../../src/flows/worker/engine-parts.js';
import { FlowWorker } from '../../../src/flows/worker/flow-worker.js';

/**
 * Where a process dies: before a statement is sent, right after, or after its answer. With NETWORK it lives on, but all its connections
 * break after a statement was sent.
 */
export type CutMode = 'BEFORE' | 'SENT' | 'AFTER' | 'NETWORK';

type Submitted = { submit: unknown; callback: (error: Error | null, results: unknown) => void };
type Query = (...args: unknown[]) => unknown;

/**
 * A worker that ends as by `kill -9` at one of its statements or effects: its connections break, and nothing that it
 * does from then on reaches the database or another system.
 */
export class CutProcess implements EffectPort {
  /** Statements and ends of effects so far. */
  steps = 0;
  readonly worker: FlowWorker;
  readonly #orm: MikroORM;
  readonly #port: EffectPort;
  readonly #clients = new Set<PoolClient>();
  #isDead = false;
  #isNetworkCut = false;
  #died: () => void = () => undefined;
  readonly died = new Promise<void>((resolve) => (this.#died = resolve));

  /**
   * @param cut undefined for a process that lives on
   * @param portOf what its steps do, on its own connections; the port of the parts when absent
   */
  constructor(
    databaseUrl: string,
    parts: EngineParts,
    private readonly cut: { at: number; mode: CutMode } | undefined,
    portOf: (orm: MikroORM) => EffectPort = () => parts.port,
  ) {
    this.#orm = createOrm({ databaseUrl, entities });
    this.#port = portOf(this.#orm);
    this.worker = new FlowWorker(this.#orm, { ...parts, port: this }, { leaseMs: 60_000, pollMs: 250 });
  }

  async start(): Promise<void> {
    const pool = await this.#orm.em.getConnection().getNativeClient();
    pool.on('connect', (client) => this.#watch(client));
    this.worker.onApplicationBootstrap();
  }

  async stop(): Promise<void> {
    await this.worker.onModuleDestroy();
    await this.#orm.close();
  }

  async perform(call: EffectCall, signal: AbortSignal): Promise<EffectOutcome> {
    this.#pass('BEFORE');
    const outcome = await this.#port.perform(call, signal);
    this.#pass('AFTER');
    return outcome;
  }

  async undo(call: EffectCall, undo: JsonObject, signal: AbortSignal): Promise<void> {
    this.#pass('BEFORE');
    await this.#port.undo(call, undo, signal);
    this.#pass('AFTER');
  }

  /** @throws EffectError, which the process can not store any more */
  #pass(mode: CutMode): void {
    if (this.#isNext(mode)) this.#die();
    if (this.#isDead) throw new EffectError('DEAD', 'The process is dead.', 'PASSING');
  }

  #isNext(mode: CutMode): boolean {
    this.steps += 1;
    if (this.cut?.mode === 'NETWORK') return false;
    return this.cut !== undefined && this.steps >= this.cut.at && (this.cut.mode === mode || this.steps > this.cut.at);
  }

  get isNetworkCut(): boolean {
    return this.#isNetworkCut;
  }

  #die(): void {
    this.#isDead = true;
    this.#breakConnections();
    this.#died();
  }

  #breakConnections(): void {
    for (const client of this.#clients) {
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
    this.#clients.clear();
  }

  #watch(client: PoolClient): void {
    this.#clients.add(client);
    const send = (client.query as Query).bind(client);
    const watched: Query = (...args) => {
      if (this.#isDead || this.#isCutNow('BEFORE')) return refuse(args);
      if (this.#isCutNow('SENT')) {
        const answer = send(...args);
        this.#die();
        return answer;
      }
      if (!this.#isNetworkCut && this.#isCutNow('NETWORK')) {
        this.#isNetworkCut = true;
        const answer = send(...args);
        this.#breakConnections();
        return answer;
      }
      const isLast = this.#isCutNow('AFTER');
      this.steps += 1;
      return isLast ? this.#sendLast(send, args) : send(...args);
    };
    client.query = watched as typeof client.query;
  }

  #isCutNow(mode: CutMode): boolean {
    if (this.cut === undefined || this.cut.mode !== mode || this.steps + 1 < this.cut.at) return false;
    if (mode === 'BEFORE') this.#die();
    return true;
  }

  #sendLast(send: Query, args: unknown[]): unknown {
    const [first] = args as [Submitted];
    if (typeof first !== 'object' || !('submit' in first)) {
      return (send(...args) as Promise<unknown>).finally(() => this.#die());
    }
    const { callback } = first;
    first.callback = () => {
      this.#die();
      callback(new Error('The process is dead.'), []);
    };
    return send(first);
  }
}

function refuse([first]: unknown[]): unknown {
  const error = new Error('The process is dead.');
  if (typeof first !== 'object' || first === null || !('submit' in first)) return Promise.reject(error);
  (first as Submitted).callback(error, []);
  return first;
}
