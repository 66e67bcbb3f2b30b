import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDir } from '../servers/data-dir-lock.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../servers/embedded-postgres.js';
import { assertPortFree, freePort } from '../free-port.js';
import { givenPostgres } from '../servers/given-postgres.js';
import { startRedis, type Redis } from '../servers/redis.js';
import { certificateVariables, PlatformCertificates, type CertificateFiles } from './platform-certificates.js';
import { apps, prepareService, type Environment, type PreparedService, type ServiceName } from './prepare-service.js';
import { notingStart } from './note-start.js';
import { platformTemplate } from './platform-template.js';
import { principalKeys } from './principal-keys.js';
import type { UnexpectedExit } from './process-exit.js';
import { SecretFiles } from './secret-files.js';
import { Service } from './spawn-service.js';
import { TenantMaker, type Tenant } from './tenant-maker.js';

// Together with PostgreSQL's timeout less than the 10 s of `stop`.
const edgeStopTimeoutMs = 3_000;
const serviceStopTimeoutMs = 3_000;

export interface PlatformOptions {
  /** Folder of data, keys and logs. Without it they are in a temporary folder, which `stop` removes. */
  dataDir?: string;
  /** URL of a superuser of a running PostgreSQL, in place of an embedded one. The platform does not stop it. */
  superuserUrl?: string;
  /** Port of the edge on 127.0.0.1; a free one when absent. */
  edgePort?: number;
  /** Number of edge processes; several share one Redis. 1 when absent. */
  edges?: number;
  /** More configuration of the edges, such as limits. */
  edgeEnv?: Environment;
  /** More configuration of auth. */
  authEnv?: Environment;
  /** More configuration of customers. */
  customersEnv?: Environment;
  /** More configuration of sync, such as how soon failed deliveries are tried again. */
  syncEnv?: Environment;
  /** `host:port` of a name server that resolves each service by the name of its area, for replicas. */
  nameServer?: string;
  /** OTLP/HTTP endpoint for the traces of every process. Without it there are no traces. */
  tracesEndpoint?: string | undefined;
  /** Called with each line of progress. */
  onProgress?: (line: string) => void;
  /** Called when a process ends without a call of `stop` or `kill`. The others keep running. */
  onUnexpectedExit?: (exit: UnexpectedExit) => void;
  /** Aborts the start. */
  signal?: AbortSignal;
}

/** A running Rapport: PostgreSQL, auth, customers, sync, edge and perhaps Redis, each in its own process. */
export interface Platform {
  /** Base URL of the REST API, without a trailing slash. */
  edgeUrl: string;
  /** Base URL of each edge; `edgeUrl` is the first. */
  edgeUrls: string[];
  /** Each may be killed and restarted on the same ports. `edge` is the first of `edges`. */
  services: { auth: Service; customers: Service; sync: Service; edge: Service; edges: Service[] };
  /** A further, unstarted process of a service on another address of this machine, with the same gRPC port. */
  replica(name: ServiceName, host: string): Promise<Service>;
  /** gRPC address of each service by its area of the contract, for calls past the edge. */
  serviceAddresses: Readonly<Record<string, string>>;
  /** Credentials of such calls: the path of auth's key for principal tokens, and certificates of any process. */
  trust: { signingKeyFile: string; certificatesOf: (process: string, renew?: boolean) => Promise<CertificateFiles> };
  /** Metrics URL of each process. */
  metricsUrls: string[];
  /** The database of customers, for direct access. Both URLs contain a password. */
  customersDatabase: { superuserUrl: string; appUrl: string };
  /** The PostgreSQL server of all databases. */
  postgres: EmbeddedPostgres;
  /** Folder of the logs, each named as its process. */
  logDir: string;
  /** Folder of sent mails, each a text file. */
  mailDir: string;
  /** Folder with the files of connections, in a subfolder for each tenant id. */
  filesDir: string;
  /** Undefined with a single edge. */
  redis: Redis | undefined;
  /**
   * @param plan one of the edges' RATE_PLANS; the standard plan when absent
   * @param workspace the name that users sign in with; none when absent
   */
  createTenant(displayName: string, plan?: string, workspace?: string): Promise<Tenant>;
  /** Ends every process within 10 s, callers before their services. */
  stop(): Promise<void>;
}

/** Starts the whole platform. A start that fails leaves no process behind. */
export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const stopSteps: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    const failures: unknown[] = [];
    for (const step of stopSteps.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'Some processes could not be stopped');
  };
  try {
    return { ...(await notingStart('platform', () => startInOrder(options, stopSteps))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startInOrder(
  options: PlatformOptions,
  stopSteps: (() => Promise<unknown>)[],
): Promise<Omit<Platform, 'stop'>> {
  const { edges: edgeCount = 1, onProgress: progress = () => undefined, onUnexpectedExit, signal } = options;
  const [dataDir, logs, filesDir] = await prepareFolders(options, stopSteps);
  const edgePort = options.edgePort ?? (await freePort());
  await assertPortFree(edgePort, 'EDGE_PORT');

  progress('Starting PostgreSQL');
  const postgres = await startPostgresOf(options, logs);
  stopSteps.push(() => postgres.stop());
  signal?.throwIfAborted();

  const redis = edgeCount > 1 ? await startRedisOf(options, logs) : undefined;
  if (redis) stopSteps.push(() => redis.stop());

  progress('Preparing the databases');
  const mailDir = join(dataDir, 'mail');
  const secrets = await SecretFiles.in(join(dataDir, 'secrets'));
  const trust = { principals: await principalKeys(secrets), certificates: await PlatformCertificates.in(secrets) };
  stopSteps.push(async () => trust.certificates.stop());
  const publicUrl = `http://127.0.0.1:${edgePort}`;
  const httpAddress = `127.0.0.1:${await freePort()}`;
  const prepare = (name: ServiceName) =>
    prepareService(name, postgres.superuserUrl, secrets, trust, mailDir, templateOf(options) !== undefined, signal);
  const [auth, customers, sync] = await Promise.all([prepare('auth'), prepare('customers'), prepare('sync')]);
  const found = (name: ServiceName, address: string) =>
    options.nameServer === undefined ? address : `dns://${options.nameServer}/${name}:${portOf(address)}`;
  const peers = { AUTH_ADDRESS: found('auth', auth.address), CUSTOMERS_ADDRESS: found('customers', customers.address) };

  const tenants = new TenantMaker({ ...auth.env, ...options.authEnv });
  stopSteps.push(() => tenants.stop());

  progress('Starting auth, customers, sync and edge');
  const service = (name: string, app: string, own: Environment, healthPort: number) => {
    const common = { ...(onUnexpectedExit && { onUnexpectedExit }), ...(signal && { signal }) };
    const [logFile, env] = [join(logs, `${name}.log`), { ...commonVariables(options), ...own }];
    return new Service({ name, script: join(apps, app, 'dist/main.js'), env, healthPort, logFile, ...common });
  };
  const edgeEnv: Environment = {
    ...peers,
    AUTH_HTTP_ADDRESS: httpAddress,
    PUBLIC_URL: publicUrl,
    CONSOLE_KEYS_FILE: await secrets.key('edge-console-keys'),
    SYNC_ADDRESS: found('sync', sync.address),
    ...certificateVariables(await trust.certificates.of('edge')),
    ...(await redisVariables(redis, secrets)),
    ...options.edgeEnv,
  };
  const [edgePorts, probePorts] = [[edgePort, ...(await freePorts(edgeCount - 1))], await freePorts(edgeCount)];
  const edges = edgePorts.map((port, index) => {
    const env = { ...edgeEnv, EDGE_PORT: String(port), HEALTH_PORT: String(probePorts[index]) };
    return service(index === 0 ? 'edge' : `edge-${index + 1}`, 'edge', env, port);
  });
  const [edge] = edges as [Service];
  const serviceEnv: Record<ServiceName, Environment> = {
    auth: { ...auth.env, HTTP_ADDRESS: httpAddress, PUBLIC_URL: publicUrl, ...options.authEnv },
    customers: { ...customers.env, AUTH_ADDRESS: peers.AUTH_ADDRESS, PUBLIC_URL: publicUrl, ...options.customersEnv },
    sync: { ...sync.env, ...peers, FILES_DIR: filesDir, ...options.syncEnv },
  };
  const own = (name: ServiceName, { healthPort }: PreparedService) => service(name, name, serviceEnv[name], healthPort);
  const services = {
    ...{ auth: own('auth', auth), customers: own('customers', customers), sync: own('sync', sync) },
    ...{ edge, edges },
  };
  await startAll(services, stopSteps);

  const { signingKeyFile } = trust.principals;
  return {
    edgeUrl: publicUrl,
    edgeUrls: edgePorts.map((port) => `http://127.0.0.1:${port}`),
    services,
    replica: replicaMaker(service, serviceEnv, stopSteps),
    serviceAddresses: { auth: auth.address, customers: customers.address, sync: sync.address },
    metricsUrls: [...probePorts, auth.healthPort, customers.healthPort, sync.healthPort].map(metricsUrl),
    trust: { signingKeyFile, certificatesOf: (process, renew) => trust.certificates.of(process, renew) },
    customersDatabase: { superuserUrl: databaseUrl(postgres.superuserUrl, 'customers'), appUrl: customers.appUrl },
    postgres,
    logDir: logs,
    mailDir,
    filesDir,
    redis,
    createTenant: (displayName, plan, workspace) => tenants.create(displayName, plan, workspace),
  };
}

/** Folders for data, logs, and the files of connections. */
async function prepareFolders(
  options: PlatformOptions,
  stopSteps: (() => Promise<unknown>)[],
): Promise<[dataDir: string, logs: string, filesDir: string]> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'rapport-')));
  if (!options.dataDir) stopSteps.push(() => rm(dataDir, { recursive: true, force: true }));
  const [logs, filesDir] = [join(dataDir, 'logs'), join(dataDir, 'files')];
  for (const folder of [logs, filesDir]) await mkdir(folder, { recursive: true, mode: 0o700 });
  stopSteps.push(await lockDataDir(dataDir));
  return [dataDir, logs, filesDir];
}

/** Creates further processes of services, and adds a step that ends them. */
function replicaMaker(
  service: (name: string, app: string, env: Environment, healthPort: number) => Service,
  serviceEnv: Readonly<Record<ServiceName, Environment>>,
  stopSteps: (() => Promise<unknown>)[],
): Platform['replica'] {
  const replicas: Service[] = [];
  stopSteps.push(() => Promise.all(replicas.map((each) => each.stop(serviceStopTimeoutMs))));
  return async (name, host) => {
    const healthPort = await freePort();
    const replica = service(`${name}-${host}`, name, onHost(host, healthPort, serviceEnv[name]), healthPort);
    replicas.push(replica);
    return replica;
  };
}

/** Starts the processes, and adds steps that end the edges before the services. */
async function startAll(
  { auth, customers, sync, edges }: Platform['services'],
  stopSteps: (() => Promise<unknown>)[],
): Promise<void> {
  stopSteps.push(() => Promise.all([auth, customers, sync].map((each) => each.stop(serviceStopTimeoutMs))));
  stopSteps.push(() => Promise.all(edges.map((each) => each.stop(edgeStopTimeoutMs))));
  await Promise.all([auth, customers, sync, ...edges].map((each) => each.start()));
}

/** The configuration of a service, listening on another host. */
function onHost(host: string, healthPort: number, env: Environment): Environment {
  const { GRPC_ADDRESS: grpc = '', HTTP_ADDRESS: http } = env;
  const httpAddress = http !== undefined && { HTTP_ADDRESS: `${host}:${portOf(http)}` };
  return { ...env, GRPC_ADDRESS: `${host}:${portOf(grpc)}`, ...httpAddress, HEALTH_PORT: String(healthPort) };
}

function portOf(address: string): string {
  return address.split(':').at(-1) ?? '';
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = name;
  return url.href;
}

function commonVariables({ tracesEndpoint, nameServer }: PlatformOptions): Environment {
  return {
    ...(tracesEndpoint && { OTEL_EXPORTER_OTLP_ENDPOINT: tracesEndpoint }),
    ...(nameServer !== undefined && { GRPC_NODE_USE_ALTERNATIVE_RESOLVER: 'true' }),
  };
}

function metricsUrl(healthPort: number): string {
  return `http://127.0.0.1:${healthPort}/metrics`;
}

function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => freePort()));
}

/** The migrated template that the databases of a temporary platform are copied from, if there is one. */
function templateOf({ dataDir }: PlatformOptions): string | undefined {
  return dataDir === undefined ? platformTemplate() : undefined;
}

async function startPostgresOf(options: PlatformOptions, logs: string): Promise<EmbeddedPostgres> {
  const { dataDir, superuserUrl, onUnexpectedExit } = options;
  if (superuserUrl !== undefined) return givenPostgres(superuserUrl);
  return startEmbeddedPostgres({
    template: templateOf(options),
    // A temporary platform's database gets its own temporary folder, and need not survive a power cut.
    ...(dataDir && { dataDir: join(dataDir, 'postgres') }),
    logFile: join(logs, 'postgres.log'),
    ...(onUnexpectedExit && { onUnexpectedExit }),
  });
}

function startRedisOf({ onUnexpectedExit }: PlatformOptions, logs: string): Promise<Redis> {
  return startRedis({ logFile: join(logs, 'redis.log'), ...(onUnexpectedExit && { onUnexpectedExit }) });
}

/** The Redis of the edges, and the key of its cached answers. */
async function redisVariables(redis: Redis | undefined, secrets: SecretFiles): Promise<Environment> {
  if (!redis) return {};
  return {
    REDIS_URL_FILE: await secrets.put('edge-redis-url', redis.url),
    CACHE_KEY_FILE: await secrets.key('edge-cache-key'),
  };
}
