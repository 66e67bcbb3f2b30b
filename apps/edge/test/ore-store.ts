import { setTimeout as wait } from 'node:timers/promises';
import {
  status,
  type sendUnaryData,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { readPrincipalToken } from '@rapport/contracts';
import { grpcRefusal } from './grpc-refusal.js';

type Message = Record<string, unknown>;

/** The failure of a call; done or lost as in `RunningOres.failNext`. */
export interface Failure {
  code: status;
  isDone: boolean;
  isLost?: boolean;
}

/** A call of a handler. */
export interface Call {
  request: Message;
  metadata: { get: (key: string) => (string | Buffer)[] };
}
type WatchCall = Call & Pick<ServerWritableStream<Message, unknown>, 'write' | 'once' | 'cancelled'>;
export type Respond = sendUnaryData<unknown>;
type Handler = (tenantId: string, request: Message) => unknown;

/** A versioned store: each write increments the version. */
export class OreStore {
  readonly calls = new Map<string, number>();
  readonly failures = new Map<string, Failure[]>();
  readonly #held = new Map<string, Promise<void>>();
  readonly #watches = new Set<WatchCall>();
  #files = 0;
  delay: () => number | Promise<void> = () => 0;
  readonly #names = new Map<string, string>();
  readonly #versions = new Map<string, number>();

  get open(): number {
    return this.#watches.size + this.#files;
  }

  say(tenantId: string, id: string): void {
    for (const call of this.#watches) if (tenantOf(call.metadata) === tenantId) call.write(this.read(tenantId, id));
  }

  hold(method: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(method, promise);
    return () => {
      this.#held.delete(method);
      resolve();
    };
  }

  async released(method: string): Promise<void> {
    await this.#held.get(method);
  }

  version(tenantId: string, id: string): number {
    return this.#versions.get(`${tenantId} ${id}`) ?? 0;
  }

  write(tenantId: string, id: string, name: string | undefined): Message {
    const key = `${tenantId} ${id}`;
    this.#versions.set(key, this.version(tenantId, id) + 1);
    if (name !== undefined) this.#names.set(key, name);
    return this.read(tenantId, id);
  }

  read(tenantId: string, id: string): Message {
    const version = this.version(tenantId, id);
    return { id, name: this.#names.get(`${tenantId} ${id}`) ?? '', version, etag: `"${version}"` };
  }

  handlers(): UntypedServiceImplementation {
    const get: Handler = (tenantId, { id }) => {
      if (id === 'moved') return grpcRefusal(status.NOT_FOUND, 'ORE_MOVED', { movedTo: 'x' });
      if (this.version(tenantId, String(id)) === 0) return grpcRefusal(status.NOT_FOUND, 'ORE_NOT_FOUND');
      return this.read(tenantId, String(id));
    };
    const list: Handler = (tenantId, { name }) => ({
      ores: [...this.#versions.keys()]
        .filter((key) => key.startsWith(`${tenantId} `))
        .map((key) => this.read(tenantId, key.slice(tenantId.length + 1)))
        .filter((ore) => name === undefined || name === ore['name']),
    });
    const unlessValidating = (request: Message, write: () => Message) =>
      request['validateOnly'] === true ? { id: '', name: '', version: 0, etag: '' } : write();
    const unary: Record<string, Handler> = {
      getOre: get,
      glanceAtOre: get,
      listOres: list,
      batchGetOres: (tenantId, { ids }) => ({
        ores: (ids as string[]).filter((id) => this.version(tenantId, id) > 0).map((id) => this.read(tenantId, id)),
      }),
      countOres: () => ({ count: this.#versions.size }),
      createOre: (tenantId, request) =>
        unlessValidating(request, () => this.write(tenantId, `new-${this.#versions.size}`, nameOf(request['ore']))),
      updateOre: (tenantId, request) =>
        unlessValidating(request, () => this.write(tenantId, String(request['id']), nameOf(request['ore']))),
      batchUpdateOres: (tenantId, { batch }) => {
        const { ids, name } = batch as { ids: string[]; name: string };
        return { results: ids.map((id) => ({ ore: this.write(tenantId, id, name) })) };
      },
    };
    const smeltOres = (call: AsyncIterable<Message> & WatchCall, respond: Respond) => void this.#smelt(call, respond);
    return {
      ...Object.fromEntries(Object.entries(unary).map(([name, handler]) => [name, this.answer(name, handler)])),
      smeltOres: smeltOres as never,
      watchOres: (call: WatchCall) => {
        this.#watches.add(call.once('cancelled', () => this.#watches.delete(call)));
        call.write(this.read('', 'first'));
      },
    };
  }

  answer(name: string, handler: Handler) {
    return ({ request, metadata }: Call, respond: Respond) => {
      this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
      const failure = this.failures.get(name)?.shift();
      const failed =
        failure && (failure.isLost ? { code: failure.code, details: 'lost' } : grpcRefusal(failure.code, 'FAILED'));
      if (failure && !failure.isDone) return respond(failed as never);
      const answer = handler(tenantOf(metadata), request);
      const delay = this.delay();
      const passed = typeof delay === 'number' ? wait(delay) : delay;
      void Promise.all([passed, this.released(name)]).then(() => {
        if (failed) return respond(failed);
        if (typeof answer === 'object' && answer !== null && 'code' in answer) return respond(answer as never);
        respond(null, answer);
      });
    };
  }

  async #smelt(call: AsyncIterable<Message> & WatchCall, respond: Respond): Promise<void> {
    const failure = this.failures.get('smeltOres')?.shift();
    if (failure) return respond(grpcRefusal(failure.code, 'FAILED'));
    this.#files += 1;
    call.once('cancelled', () => (this.#files -= 1));
    for await (const _ of call);
    if (call.cancelled) return;
    const tenantId = tenantOf(call.metadata);
    const keys = [...this.#versions.keys()].filter((key) => key.startsWith(`${tenantId} `));
    for (const key of keys) this.write(tenantId, key.slice(tenantId.length + 1), undefined);
    respond(null, { count: keys.length });
  }
}

function nameOf(ore: unknown): string | undefined {
  return (ore as { name?: string } | undefined)?.name;
}

function tenantOf(metadata: Call['metadata']): string {
  const [token] = metadata.get('x-rapport-principal');
  return token === undefined ? '' : readPrincipalToken(String(token)).tenantId;
}
