import {
  containersOf,
  isAutoscaler,
  isDatabase,
  isWorkload,
  type Database,
  type Manifest,
  type Workload,
} from '../manifest.ts';
import type { Code } from '../read-code.ts';
import { faults, labelled } from './fault.ts';

/**
 * Most connections of a process outside its pool: one that asks for waiting commits during an outage (`WaitingCommits`), and in
 * customers two of the change log, in sync one of the feed and five of the queue of runs.
 */
const ownConnections = 7;

/** Connections of migrations, of backups and of operators. */
const spareConnections = 20;

/** The largest part of a database's volume that a limit of the service may allow. The rest is for what has no limit. */
const partsOfStorage = { CHANGE_LOG_BYTES: 0.6, FILE_QUOTA_BYTES: 0.1 };

/** Every service with a database has one of its name, with its two roles and enough connections for all pods. */
export function databaseFaults(manifests: Manifest[], code: Code): string[] {
  const databases = manifests.filter(isDatabase);
  const owners = manifests
    .filter(isWorkload)
    .filter(({ kind }) => kind === 'Deployment')
    .filter(readsDatabase);
  return [
    ...owners
      .filter(({ metadata }) => !databases.some((database) => database.metadata.name === `${metadata.name}-db`))
      .flatMap((owner) => labelled(owner, [`there is no database ${owner.metadata.name}-db`])),
    ...databases.flatMap((database) =>
      labelled(database, [
        ...roleFaults(database, manifests),
        ...capacityFaults(database, manifests, code),
        ...walFaults(database),
        ...storageFaults(database, manifests),
        ...authorityFaults(database, manifests),
      ]),
    ),
  ];
}

function readsDatabase(workload: Workload): boolean {
  return containersOf(workload).some(({ env }) => env?.some(({ name }) => name === 'DATABASE_URL_FILE'));
}

function roleFaults({ metadata, spec }: Database, manifests: Manifest[]): string[] {
  const service = metadata.name.replace(/-db$/, '');
  const initdb = spec.bootstrap?.initdb;
  const rights = initdb?.postInitApplicationSQLRefs?.configMapRefs?.[0];
  const isThere = manifests.some(
    ({ kind, metadata: { name }, data }) => kind === 'ConfigMap' && name === rights?.name && data?.[rights.key],
  );
  return faults(
    [initdb?.database !== service, `its database is not called ${service}`],
    [initdb?.owner !== `${service}_owner`, `does not belong to ${service}_owner`],
    [!spec.managed?.roles?.some(({ name }) => name === `${service}_app`), `has no role ${service}_app`],
    [!isThere, 'is made without the rights of its roles'],
  );
}

/** Clients of a database have the certificate of its authority, and not the authority's key. */
function authorityFaults({ metadata }: Database, manifests: Manifest[]): string[] {
  const service = metadata.name.replace(/-db$/, '');
  const clients = manifests
    .filter(isWorkload)
    .filter((workload) => [service, `${service}-migrate`].includes(workload.metadata.name));
  return clients.flatMap((client) => {
    const volume = client.spec.template.spec.volumes?.find(
      ({ secret }) => secret?.secretName === `${metadata.name}-ca`,
    );
    const files = volume?.secret?.items?.map(({ key }) => key);
    return faults([
      files?.join() !== 'ca.crt',
      `${client.metadata.name} can't verify its certificate, or has its authority's key`,
    ]);
  });
}

function capacityFaults({ metadata, spec }: Database, manifests: Manifest[], { poolConnections }: Code): string[] {
  const service = metadata.name.replace(/-db$/, '');
  const autoscaler = manifests.filter(isAutoscaler).find((each) => each.spec.scaleTargetRef.name === service);
  const needed = ((autoscaler?.spec.maxReplicas ?? 1) + 1) * (poolConnections + ownConnections) + spareConnections;
  const allowed = Number(spec.postgresql?.parameters?.['max_connections'] ?? 100);
  return faults(
    [allowed < needed, `takes ${allowed} connections, and ${needed} may be asked for`],
    [
      spec.instances > 1 && spec.postgresql?.synchronous === undefined,
      'may lose acknowledged writes with its primary: synchronous is missing',
    ],
    [
      spec.postgresql?.synchronous !== undefined && spec.postgresql.synchronous.failoverQuorum !== true,
      'may promote a standby that lacks acknowledged writes: failoverQuorum is not true',
    ],
    [!spec.resources?.requests?.['memory'] || !spec.resources.limits?.['memory'], 'has no limit for memory'],
  );
}

function walFaults({ spec: { walStorage, postgresql } }: Database): string[] {
  return faults(
    [walStorage === undefined, 'ends when its data has no room: walStorage is missing'],
    [
      walStorage !== undefined && mostWal(postgresql?.parameters) > gibibytes(walStorage.size),
      'ends when a standby is away for long: max_wal_size and max_slot_wal_keep_size do not fit into walStorage',
    ],
  );
}

/** A limit that the volume cannot hold never takes effect: the volume is full before. */
function storageFaults({ metadata, spec }: Database, manifests: Manifest[]): string[] {
  const service = metadata.name.replace(/-db$/, '');
  const settings = manifests
    .filter(isWorkload)
    .filter((workload) => workload.metadata.name === service)
    .flatMap((workload) => containersOf(workload).flatMap(({ env = [] }) => env));
  return Object.entries(partsOfStorage).flatMap(([name, part]) => {
    const value = settings.find((setting) => setting.name === name)?.value;
    const allowed = Math.floor(gibibytes(spec.storage.size) * 1_024 ** 3 * part);
    return value === undefined
      ? []
      : faults([Number(value) > allowed, `is full before ${name}, which may be ${allowed}`]);
  });
}

/** The most WAL that a primary keeps for its checkpoints and its standbys, in GiB. */
function mostWal(parameters: Record<string, string> = {}): number {
  // Without a limit, slots keep everything.
  return gibibytes(parameters['max_wal_size'] ?? '1GB') + gibibytes(parameters['max_slot_wal_keep_size'] ?? 'Infinity');
}

/** @param size such as `4GB` of PostgreSQL or `10Gi` of Kubernetes, both in powers of 1,024 */
function gibibytes(size: string): number {
  return Number(/^(\d+|Infinity)(?:GB|Gi)?$/.exec(size)?.[1]);
}
