import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { findFaults } from '../find-faults.ts';
import {
  isService,
  isWorkload,
  type Container,
  type Manifest,
  type Pod,
  type Service,
  type Workload,
} from '../manifest.ts';
import { readCode } from '../read-code.ts';
import { renderOverlay } from '../render-overlay.ts';

const code = readCode();
let local: Manifest[];

beforeAll(() => {
  local = renderOverlay('local');
});

test('reads the processes, their variables and probes from the code', () => {
  expect(code.stopTimeoutSeconds).toBe(8);
  expect(code.processes).toContainEqual({
    script: 'apps/customers/dist/main.js',
    variables: [
      'GRPC_ADDRESS',
      'HEALTH_PORT',
      'DATABASE_URL',
      'PAGE_TOKEN_KEY',
      'SUPPRESSION_HMAC_KEY',
      'CHANGE_RETENTION_DAYS',
      'LOG_LEVEL',
    ],
    probePaths: ['/livez', '/readyz'],
  });
  expect(code.processes.find(({ script }) => script === 'apps/edge/dist/main.js')?.variables).toEqual(
    expect.arrayContaining(['EDGE_HOST', 'EDGE_PORT', 'AUTH_ADDRESS', 'CUSTOMERS_ADDRESS']),
  );
});

test.each(readdirSync(join(import.meta.dirname, '../overlays')))('finds no fault in the overlay %s', (overlay) => {
  expect(findFaults(renderOverlay(overlay), code)).toEqual([]);
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
    [
      'image rapport/customers:latest is not one of ours with a fixed tag',
      (container) => (container.image = 'rapport/customers:latest'),
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

  test('a process that nothing runs', () => {
    const manifests = local.filter(({ metadata }) => metadata.name !== 'customers-migrate');

    expect(findFaults(manifests, code)).toEqual(['No workload runs apps/customers/dist/migrate.js']);
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

function set(env: Container['env'], name: string, value: string): void {
  const variable = env?.find((each) => each.name === name);
  if (!variable) throw new Error(`There is no ${name}.`);
  variable.value = value;
}
