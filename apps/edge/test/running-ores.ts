import { setTimeout as wait } from 'node:timers/promises';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { PrincipalSigner, readPrincipalToken, serviceDefinitions, type Contract } from '@rapport/contracts';
import { createLogger, type Caller, type Logger } from '@rapport/platform';
import { createEdge, type Edge } from '../src/create-edge.js';
import type { EdgeConfig } from '../src/config.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { generateSampleContract } from './generate-sample-contract.js';
import { grpcRefusal } from './grpc-refusal.js';

type Message = Record<string, unknown>;

/** A service of records with versions, called over real gRPC, and the auth that the edges ask. */
export interface RunningOres {
  contract: Contract;
  ores: ServiceDefinition;
  /** `host:port` of the service. */
  address: string;
  /** How often the service was asked, by method. */
  calls: Map<string, number>;
  /** What passes between what the service reads and its answer: milliseconds, or until something happens. */
  setDelay: (delay: () => number | Promise<void>) => void;
  /** Keeps the answers of a method, and of auth as `authenticateApiKey`. @returns gives them */
  hold: (method: string) => () => void;
  /**
   * Failures that the next calls of a method answer with, in order; a done one has changed what it was to change, and a lost one
   * is what the connection says.
   */
  failNext: (method: string, failure: Failure) => void;
  /** The version of a record, and 0 when there is none. */
  version: (tenantId: string, id: string) => number;
  /** Changes a record past every edge. */
  writeBehind: (tenantId: string, id: string) => void;
  /** What auth says of a key from now on, instead of what is in its text; nothing when it is revoked. */
  setRights: (authorization: string, rights: Rights | 'revoked') => void;
  /** What auth says from now on that a tenant has registered. */
  setOrigins: (tenantId: string, origins: string[]) => void;
  /** Sends an ore to all who watch those of a tenant. */
  say: (tenantId: string, id: string) => void;
  /** How many watch ores, or send a file of them. */
  open: () => number;
  /** From now on auth refuses an access token. */
  revokeToken: (token: string) => void;
  startEdge: (config?: Partial<EdgeConfig>, logger?: Logger) => Promise<RunningEdge>;
  /** Ends the service, and brings it back at the same address. */
  stopService: () => void;
  startService: () => Promise<void>;
  stop: () => Promise<void>;
}

export type Rights = Partial<Pick<Caller, 'permissions' | 'recordScope' | 'hidesPii'>> & { expireTime?: string };

interface Failure {
  code: status;
  isDone: boolean;
  isLost?: boolean;
}

export interface RunningEdge {
  url: string;
  port: number;
  edge: Edge;
}

/**
 * A key is `<tenant>|<permission>,<permission>|<name>`: auth gives what it says, the plan `poor` to that name, and nothing to
 * the name `wrong`.
 */
export function authorization(tenant: string, permissions = 'ores.read,ores.write', name = 'key'): string {
  return `Bearer ${tenant}|${permissions}|${name}`;
}

export async function startOres(): Promise<RunningOres> {
  const { contract, ores } = await generateSampleContract();
  const store = new OreStore();
  const logger = createLogger('test', 'silent');
  const services = [ores, ...serviceDefinitions];
  let service = new Server();
  let port = 0;
  const listen = async () => {
    service = new Server();
    service.addService(ores, store.handlers());
    port = await bind(service, port);
  };
  await listen();
  const auth = new Server();
  const authService = serviceDefinitions.find((definition) => 'authenticateApiKey' in definition) ?? {};
  const methods = authService as Record<string, ServiceDefinition[string]>;
  const { authenticateApiKey, authenticateAccessToken, listAllowedOrigins } = methods;
  if (!authenticateApiKey || !authenticateAccessToken || !listAllowedOrigins) throw new Error('Auth lacks a method.');
  const revoked = new Set<string>();
  const rights = new Map<string, Rights | 'revoked'>();
  const origins = new Map<string, string[]>();
  const listOrigins = () => ({ origins: [...new Set([...origins.values()].flat())] });
  const signer = await PrincipalSigner.of();
  auth.addService(
    { authenticateApiKey, authenticateAccessToken, listAllowedOrigins },
    {
      authenticateApiKey: (call: Call, respond: Respond) =>
        void store.released('authenticateApiKey').then(() => answerKey(signer, rights, origins)(call, respond)),
      authenticateAccessToken: (call: Call, respond: Respond) => answerToken(call, respond, revoked, signer),
      listAllowedOrigins: store.answer('listAllowedOrigins', listOrigins),
    },
  );
  const authPort = await bind(auth, 0);
  const edges: Edge[] = [];
  return {
    contract,
    ores,
    address: `127.0.0.1:${port}`,
    calls: store.calls,
    hold: (method) => store.hold(method),
    setDelay: (delay) => (store.delay = delay),
    failNext: (method, failure) => store.failures.set(method, [...(store.failures.get(method) ?? []), failure]),
    version: (tenantId, id) => store.version(tenantId, id),
    setRights: (header, given) => void rights.set(header.slice('Bearer '.length), given),
    setOrigins: (tenantId, registered) => void origins.set(tenantId, registered),
    say: (tenantId, id) => store.say(tenantId, id),
    open: () => store.open,
    revokeToken: (token) => void revoked.add(token),
    writeBehind: (tenantId, id) => void store.write(tenantId, id, undefined),
    startEdge: async (config = {}, edgeLogger = logger) => {
      const addresses = new Map([
        ['sample', `127.0.0.1:${port}`],
        ['auth', `127.0.0.1:${authPort}`],
      ]);
      const fixed = { host: '127.0.0.1', port: 0, logLevel: 'silent', trustedProxies: [], addresses };
      const edge = await createEdge({ ...fixed, limits: generousLimits(), ...config }, contract, services, edgeLogger);
      edges.push(edge);
      await edge.app.listen(0, '127.0.0.1');
      const url = await edge.app.getUrl();
      return { url, port: Number(new URL(url).port), edge };
    },
    stopService: () => service.forceShutdown(),
    startService: listen,
    stop: async () => {
      await Promise.all(edges.map((edge) => edge.app.close()));
      service.forceShutdown();
      auth.forceShutdown();
    },
  };
}

/** Limits that no test of the cache meets. */
function generousLimits() {
  const settings = defaultLimitSettings();
  const plan = { keyUnits: 1e9, tenantUnits: 1e9, places: { interactive: 10_000, bulk: 10_000, feed: 10_000 } };
  const plans = new Map([...settings.plans.keys(), 'unlimited'].map((name) => [name, plan]));
  return {
    ...settings,
    plans,
    places: { interactive: 100_000, bulk: 10_000, feed: 10_000 },
    slowCallMs: 60_000,
    failedAuthentications: 1e9,
  };
}

interface Call {
  request: Message;
  metadata: { get: (key: string) => (string | Buffer)[] };
}
type WatchCall = Call & Pick<ServerWritableStream<Message, unknown>, 'write' | 'once' | 'cancelled'>;
type Respond = sendUnaryData<unknown>;
type Handler = (tenantId: string, request: Message) => unknown;

/** A versioned store: a write is one more version. */
class OreStore {
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

function answerKey(
  principals: PrincipalSigner,
  rights: ReadonlyMap<string, Rights | 'revoked'>,
  origins: ReadonlyMap<string, string[]>,
) {
  return ({ request }: Call, respond: Respond): void => {
    const [tenantId = '', permissions = '', name = ''] = String(request['key']).split('|');
    const changed = rights.get(String(request['key']));
    if (name === 'wrong' || changed === 'revoked') {
      return respond(grpcRefusal(status.UNAUTHENTICATED, 'CREDENTIAL_INVALID'));
    }
    const { expireTime, ...given } = changed ?? {};
    const caller = { tenantId, principalId: `apiKey:${name}`, permissions: permissions.split(','), ...given };
    const plan = name === 'poor' ? 'poor' : 'unlimited';
    const allowedOrigins = origins.get(tenantId) ?? [];
    respond(null, { ...caller, expireTime, plan, principalToken: principals.sign(caller), allowedOrigins });
  };
}

/** Auth as it answers about a token that the edge found genuine: the subject is the tenant. */
function answerToken({ request }: Call, respond: Respond, revoked: ReadonlySet<string>, signer: PrincipalSigner): void {
  const token = String(request['token']);
  if (revoked.has(token)) return respond(grpcRefusal(status.UNAUTHENTICATED, 'ACCESS_TOKEN_INVALID'));
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
  const caller = {
    tenantId: String(claims['tenant_id']),
    principalId: String(claims['principal_id']),
    permissions: String(claims['scope']).split(' '),
  };
  respond(null, {
    ...caller,
    principalToken: signer.sign(caller),
    expireTime: new Date(Number(claims['exp']) * 1_000).toISOString(),
    plan: 'unlimited',
    allowedOrigins: [],
  });
}

async function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}
