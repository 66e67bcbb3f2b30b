import { Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js';
import { PrincipalSigner, serviceDefinitions, type Contract } from '@rapport/contracts';
import { createLogger, type Logger } from '@rapport/platform';
import { createEdge, type Edge } from '../src/create-edge.js';
import type { EdgeConfig } from '../src/config.js';
import { defaultLimitSettings } from '../src/limits/limit-settings.js';
import { generateSampleContract } from './generate-sample-contract.js';
import { answerKey, answerToken, type Rights } from './ore-auth.js';
import { pageHandlers, type SeenCall } from './sample-pages.js';
import { OreStore, type Call, type Failure, type Respond } from './ore-store.js';

/** A service of versioned records, called over real gRPC, and the auth of the edges. */
export interface RunningOres {
  contract: Contract;
  ores: ServiceDefinition;
  /** `host:port` of the service. */
  address: string;
  /** `host:port` of the service and of auth, by area. */
  addresses: ReadonlyMap<string, string>;
  /** Number of calls by method. */
  calls: Map<string, number>;
  /** Delay between the service's read and its answer: milliseconds, or until a promise settles. */
  setDelay: (delay: () => number | Promise<void>) => void;
  /** Holds back the answers of a method, and of auth as `authenticateApiKey`. @returns a function that releases them */
  hold: (method: string) => () => void;
  /**
   * Failures of the next calls of a method, in order; a `done` one has applied its change, and a `lost` one is an error of
   * the connection.
   */
  failNext: (method: string, failure: Failure) => void;
  /** The version of a record, and 0 when there is none. */
  version: (tenantId: string, id: string) => number;
  /** Changes a record past every edge. */
  writeBehind: (tenantId: string, id: string) => void;
  /** Sets auth's answer about a key, instead of the rights in its text; absent when it is revoked. */
  setRights: (authorization: string, rights: Rights | 'revoked') => void;
  /** Sets the registered origins of a tenant. */
  setOrigins: (tenantId: string, origins: string[]) => void;
  /** Sends an ore to all watches of a tenant. */
  say: (tenantId: string, id: string) => void;
  /** Calls of public pages, oldest first. */
  pageCalls: SeenCall[];
  /** Number of open watches and uploads. */
  open: () => number;
  /** Makes auth refuse an access token. */
  revokeToken: (token: string) => void;
  startEdge: (config?: Partial<EdgeConfig>, logger?: Logger) => Promise<RunningEdge>;
  /** Stops the service, and restarts it at the same address. */
  stopService: () => void;
  startService: () => Promise<void>;
  stop: () => Promise<void>;
}

export interface RunningEdge {
  url: string;
  port: number;
  edge: Edge;
}

/**
 * A key is `<tenant>|<permission>,<permission>|<name>`: auth grants these permissions, the plan `poor` to the name `poor`,
 * and nothing to the name `wrong`.
 */
export function authorization(tenant: string, permissions = 'ores.read,ores.write', name = 'key'): string {
  return `Bearer ${tenant}|${permissions}|${name}`;
}

export async function startOres(): Promise<RunningOres> {
  const { contract, ores, pages } = await generateSampleContract();
  const store = new OreStore();
  const logger = createLogger('test', 'silent');
  const services = [ores, pages, ...serviceDefinitions];
  const pageCalls: SeenCall[] = [];
  let service = new Server();
  let port = 0;
  const listen = async () => {
    service = new Server();
    service.addService(ores, store.handlers());
    service.addService(pages, pageHandlers(store, pageCalls));
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
  const addresses = new Map([
    ['sample', `127.0.0.1:${port}`],
    ['auth', `127.0.0.1:${authPort}`],
  ]);
  return {
    contract,
    ores,
    address: `127.0.0.1:${port}`,
    addresses,
    calls: store.calls,
    pageCalls,
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
      const fixed = { host: '127.0.0.1', port: 0, logLevel: 'silent', trustedProxies: [], addresses };
      const edge = await createEdge({ ...fixed, limits: generousLimits(), ...config }, contract, services, edgeLogger);
      edges.push(edge);
      const url = await edge.app.listen({ port: 0, host: '127.0.0.1' });
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

/** Limits that no test of the cache reaches. */
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

async function bind(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
}
