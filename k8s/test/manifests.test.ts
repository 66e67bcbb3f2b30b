import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findFaults } from '../find-faults.ts';
import {
  isService,
  isWorkload,
  type Autoscaler,
  type Container,
  type Database,
  type DisruptionBudget,
  type Manifest,
  type Pod,
  type Service,
  type Workload,
} from '../manifest.ts';
import { readCode } from '../read-code.ts';
import { renderOverlay } from '../render-overlay.ts';
import { pictureArrows } from '../rules/network-faults.ts';

const code = readCode();
const overlays = new Map(
  readdirSync(join(import.meta.dirname, '../overlays')).map((name) => [name, renderOverlay(name)] as const),
);
const local = overlays.get('local') ?? [];

test('reads the processes, their variables and probes from the code', () => {
  expect(code).toMatchObject({ stopTimeoutSeconds: 8, poolConnections: 20 });
  expect(code.processes).toContainEqual({
    script: 'apps/customers/dist/main.js',
    variables: expect.arrayContaining(['GRPC_ADDRESS', 'DATABASE_URL', 'PRINCIPAL_KEYS_FILE', 'LOG_LEVEL']) as string[],
    probePaths: ['/livez', '/readyz'],
  });
  expect(code.processes.find(({ script }) => script === 'apps/edge/dist/main.js')?.variables).toEqual(
    expect.arrayContaining(['EDGE_HOST', 'EDGE_PORT', 'AUTH_ADDRESS', 'CUSTOMERS_ADDRESS']),
  );
});

describe.each([...overlays])('the overlay %s', (_name, manifests) => {
  test('has no fault', () => {
    expect(findFaults(manifests, code)).toEqual([]);
  });

  test('is not valid without any one of its manifests', () => {
    const needless = manifests.filter((each) => findFaults(without(manifests, each), code).length === 0);

    expect(needless).toEqual([]);
  });

  test('is not valid without any one probe or limit of any container', () => {
    const parts = ['startupProbe', 'livenessProbe', 'readinessProbe', 'resources', 'securityContext'] as const;
    const passed = manifests.filter(isWorkload).flatMap((workload) =>
      parts
        .filter((part) => workload.spec.template.spec.containers[0]?.[part] !== undefined)
        .filter((part) => {
          const spoilt = structuredClone(workload);
          delete spoilt.spec.template.spec.containers[0]?.[part];
          return findFaults([...without(manifests, workload), spoilt], code).length === 0;
        })
        .map((part) => `${workload.metadata.name} without ${part}`),
    );

    expect(passed).toEqual([]);
  });

  test('draws the picture of the platform', () => {
    expect(pictureArrows(manifests).toSorted()).toEqual(
      expect.arrayContaining([
        'anywhere → edge:8080',
        'anywhere → edge:8443',
        'auth → auth-db:5432',
        'auth-migrate → auth-db:5432',
        'customers → customers-db:5432',
        'customers-migrate → customers-db:5432',
        'customers → keys-db:5432',
        'customers-migrate → keys-db:5432',
        'edge → auth:50051',
        'edge → auth:8083',
        'edge → customers:50052',
        'edge → sync:50053',
        'sync → customers:50052',
        'sync → sync-db:5432',
        'edge → valkey:6379',
        'edge → collector:4318',
        'customers → collector:4318',
      ]),
    );
  });
});

describe('finds what is missing or wrong in', () => {
  test.each<[string, (container: Container, pod: Pod) => unknown]>([
    ['startupProbe is missing', (container) => delete container.startupProbe],
    ['livenessProbe is missing', (container) => delete container.livenessProbe],
    ['readinessProbe is missing', (container) => delete container.readinessProbe],
    [
      'readinessProbe: the code does not answer /health',
      (container) => (container.readinessProbe = { httpGet: { path: '/health', port: 'health' } }),
    ],
    [
      'livenessProbe: the code does not answer probes on port 50052',
      (container) => (container.livenessProbe = { httpGet: { path: '/livez', port: 'grpc' } }),
    ],
    ['has no limit for memory', (container) => delete container.resources?.limits],
    ['requests no CPU', (container) => delete container.resources?.requests],
    ['requests no memory', (container) => delete container.resources?.requests],
    ['may gain privileges', (container) => delete container.securityContext],
    ['may write to its file system', (container) => delete container.securityContext?.readOnlyRootFilesystem],
    ['keeps capabilities', (container) => delete container.securityContext?.capabilities],
    ['may run as root', (_, pod) => delete pod.securityContext?.runAsNonRoot],
    ['has no seccomp profile', (_, pod) => delete pod.securityContext],
    ['has a token for the API of Kubernetes', (_, pod) => delete pod.automountServiceAccountToken],
    ['gets variables of Services, which collide with its own', (_, pod) => delete pod.enableServiceLinks],
    ['13 s are too few to drain', (_, pod) => (pod.terminationGracePeriodSeconds = 13)],
    [
      'stops before its clients have seen that it leaves: preStop is missing',
      (container) => delete container.lifecycle,
    ],
    ['port 8082 is not declared', (container) => container.ports?.pop()],
    ['nothing listens on port 9090', (container) => container.ports?.push({ containerPort: 9090 })],
    ['LOG_LEVEL is missing', (container) => container.env?.pop()],
    ['LOG_LEVL is not read by the code', (container) => container.env?.push({ name: 'LOG_LEVL', value: 'info' })],
    ['GRPC_ADDRESS is not reachable from other pods', ({ env }) => set(env, 'GRPC_ADDRESS', 'localhost:50052')],
    ['DATABASE_URL_FILE is not in a mounted secret', (_, pod) => delete pod.volumes],
    [
      'DATABASE_URL is a secret and must come from a file',
      ({ env }) => env?.push({ name: 'DATABASE_URL', value: 'postgres://customers' }),
    ],
    ['image rapport/customers:latest has no fixed tag', (container) => (container.image = 'rapport/customers:latest')],
    ['image rapport/auth:1.0.0 is not that of customers', (container) => (container.image = 'rapport/auth:1.0.0')],
    ['has no ServiceAccount of its own: there is no default', (_, pod) => delete pod.serviceAccountName],
    ['takes variables from elsewhere', (container) => (container.envFrom = [{ secretRef: { name: 'customers' } }])],
    ['is not spread by kubernetes.io/hostname', (_, pod) => pod.topologySpreadConstraints?.pop()],
    [
      'DATABASE_URL_FILE is not a file database-url',
      ({ env }) => set(env, 'DATABASE_URL_FILE', '/run/secrets/rapport/db'),
    ],
    ['has not exactly one container', (container, pod) => pod.containers.push(container)],
    [
      'runs apps/customers/dist/index.js, which is no process of the code',
      (container) => (container.args = ['apps/customers/dist/index.js']),
    ],
  ])('a Deployment: %s', (fault, spoil) => {
    expect(faultsWith('Deployment', 'customers', (pod, container) => spoil(container, pod))).toContain(
      `Deployment customers: ${fault}`,
    );
  });

  test.each([
    ['auth:50052', 'no Service serves auth:50052'],
    ['dns:///auth:50051', 'no Service serves dns:///auth:50051'],
    ['edge:8080', 'edge is not headless, so calls would stay with one pod'],
  ])('an address: %s', (address, fault) => {
    const faults = faultsWith('Deployment', 'edge', (_, { env }) => set(env, 'AUTH_ADDRESS', address));

    expect(faults).toContain(`Deployment edge: AUTH_ADDRESS: ${fault}`);
  });

  test('a Job without a deadline', () => {
    const faults = faultsWith('Job', 'auth-migrate', (_pod, _container, { spec }) => delete spec.activeDeadlineSeconds);

    expect(faults).toEqual(['Job auth-migrate: may run for ever: activeDeadlineSeconds is missing']);
  });

  test('a Job that ends before an index of a large table is built', () => {
    const faults = faultsWith(
      'Job',
      'auth-migrate',
      (_pod, _container, { spec }) => (spec.activeDeadlineSeconds = 600),
    );

    const fault = 'is killed while it builds an index: activeDeadlineSeconds is below 21600';
    expect(faults).toEqual([`Job auth-migrate: ${fault}`]);
  });

  test('a process that nothing runs', () => {
    const manifests = local.filter(({ metadata }) => metadata.name !== 'customers-migrate');

    expect(findFaults(manifests, code)).toContain('No workload runs apps/customers/dist/migrate.js');
  });

  test.each<[string, (service: Service['spec']) => unknown]>([
    ['selects no pods', (spec) => (spec.selector = { 'app.kubernetes.io/name': 'customer' })],
    ['port 50053 is not the port grpc of its pods', (spec) => (spec.ports = [{ port: 50053, targetPort: 'grpc' }])],
  ])('a Service: %s', (fault, spoil) => {
    const manifests = structuredClone(local);
    const service = manifests.filter(isService).find(({ metadata }) => metadata.name === 'customers');
    spoil(service?.spec ?? {});

    expect(findFaults(manifests, code)).toContain(`Service customers: ${fault}`);
  });
});

test.each<[string, fault: string, spoil: (manifest: Manifest) => unknown]>([
  [
    'HorizontalPodAutoscaler edge',
    'HorizontalPodAutoscaler edge: waits for more calls in progress than the 2000 places of a pod',
    ({ spec }) => {
      const pods = (spec as Autoscaler['spec']).metrics?.find(({ type }) => type === 'Pods')?.pods;
      if (pods) pods.target.averageValue = '2000';
    },
  ],
  [
    'HorizontalPodAutoscaler edge',
    'Deployment edge: EDGE_COUNT is below the 10 that there can be',
    ({ spec }) => ((spec as Autoscaler['spec']).maxReplicas = 9),
  ],
  [
    'HorizontalPodAutoscaler customers',
    'Cluster customers-db: takes 220 connections, and 317 may be asked for',
    ({ spec }) => ((spec as Autoscaler['spec']).maxReplicas = 10),
  ],
  [
    'PodDisruptionBudget auth',
    'Deployment auth: may lose more than one pod at a time',
    ({ spec }) => ((spec as DisruptionBudget['spec']).maxUnavailable = 2),
  ],
  [
    'NetworkPolicy customers',
    'auth → customers:50052 may enter, but not leave',
    ({ spec }) => ((spec as Policy).ingress = [{ from: [peer('edge'), peer('auth')], ports: [{ port: 50_052 }] }]),
  ],
  [
    'NetworkPolicy names',
    'A NetworkPolicy allows edge → anywhere:53, which nothing needs',
    ({ spec }) => ((spec as Policy).egress = [{ ports: [{ port: 53 }] }]),
  ],
  [
    'Deployment auth',
    'Deployment auth: replaces pods before all clients have resolved the new ones',
    ({ spec }) => ((spec as Workload['spec']).minReadySeconds = 33),
  ],
  [
    'Deployment auth',
    "Cluster auth-db: auth can't verify its certificate, or has its authority's key",
    ({ spec }) => {
      for (const { secret } of (spec as Workload['spec']).template.spec.volumes ?? []) delete secret?.items;
    },
  ],
  [
    'Cluster auth-db',
    'Cluster auth-db: may lose acknowledged writes with its primary: synchronous is missing',
    ({ spec }) => delete (spec as Database['spec']).postgresql?.synchronous,
  ],
  [
    'Cluster sync-db',
    'Cluster sync-db: ends when its data has no room: walStorage is missing',
    ({ spec }) => delete (spec as Database['spec']).walStorage,
  ],
  [
    'Cluster auth-db',
    'Cluster auth-db: ends when a standby is away for long: max_wal_size and max_slot_wal_keep_size do not fit into walStorage',
    ({ spec }) => delete (spec as Database['spec']).postgresql?.parameters?.['max_slot_wal_keep_size'],
  ],
  [
    'Cluster customers-db',
    'Cluster customers-db: is full before CHANGE_LOG_BYTES, which may be 32212254720',
    ({ spec }) => ((spec as Database['spec']).storage.size = '50Gi'),
  ],
  [
    'Cluster customers-db',
    'Cluster customers-db: is full before FILE_QUOTA_BYTES, which may be 5368709120',
    ({ spec }) => ((spec as Database['spec']).storage.size = '50Gi'),
  ],
  ...['auth-db', 'customers-db', 'keys-db', 'sync-db'].map(
    (name): [string, string, (manifest: Manifest) => unknown] => [
      `Cluster ${name}`,
      `Cluster ${name}: may promote a standby that lacks acknowledged writes: failoverQuorum is not true`,
      ({ spec }) => delete (spec as Database['spec']).postgresql?.synchronous?.failoverQuorum,
    ],
  ),
])('finds what is wrong in the %s: %s', (name, fault, spoil) => {
  const manifests = structuredClone(overlays.get('production') ?? []);
  const manifest = manifests.find(({ kind, metadata }) => `${kind} ${metadata.name}` === name);
  if (!manifest) throw new Error(`There is no ${name}.`);
  spoil(manifest);

  expect(findFaults(manifests, code)).toContain(fault);
});

test('README names every secret and its files', () => {
  const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
  const secrets = local
    .filter(isWorkload)
    .flatMap(({ spec }) => spec.template.spec.volumes ?? [])
    .flatMap(({ secret }) => secret?.secretName ?? []);
  const files = local
    .filter(isWorkload)
    .flatMap(({ spec }) => spec.template.spec.containers[0]?.env ?? [])
    .filter(({ name }) => name.endsWith('_FILE'))
    .map(({ value = '' }) => value.split('/').at(-1));

  expect([...secrets, ...files].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

/** The faults of the overlay when one of its workloads is spoilt. */
function faultsWith(
  kind: string,
  name: string,
  spoil: (pod: Pod, container: Container, workload: Workload) => unknown,
): string[] {
  const manifests = structuredClone(local);
  const workload = manifests.filter(isWorkload).find((each) => each.kind === kind && each.metadata.name === name);
  const [container] = workload?.spec.template.spec.containers ?? [];
  if (!workload || !container) throw new Error(`There is no ${kind} ${name}.`);
  spoil(workload.spec.template.spec, container, workload);
  return findFaults(manifests, code);
}

function without(manifests: Manifest[], manifest: Manifest): Manifest[] {
  return manifests.filter((each) => each !== manifest);
}

interface Policy {
  ingress?: unknown[];
  egress?: unknown[];
}

function peer(name: string): unknown {
  return { podSelector: { matchLabels: { 'app.kubernetes.io/name': name } } };
}

function set(env: Container['env'], name: string, value: string): void {
  const variable = env?.find((each) => each.name === name);
  if (!variable) throw new Error(`There is no ${name}.`);
  variable.value = value;
}
