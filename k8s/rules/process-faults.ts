import {
  containersOf,
  isOurs,
  isService,
  isWorkload,
  type Container,
  type Manifest,
  type Pod,
  type Service,
  type Workload,
} from '../manifest.ts';
import type { Code, Process } from '../read-code.ts';
import { faults, labelled } from './fault.ts';

/**
 * Each process has its workload, and each workload of ours runs a process, with the variables, ports and probes of its
 * code.
 */
export function processFaults(manifests: Manifest[], code: Code): string[] {
  const workloads = manifests.filter(isWorkload).filter(isOurs);
  const services = manifests.filter(isService);
  const run = new Set(workloads.flatMap(containersOf).map(scriptOf));
  return [
    ...code.processes.filter(({ script }) => !run.has(script)).map(({ script }) => `No workload runs ${script}`),
    ...workloads.flatMap((workload) => labelled(workload, workloadFaults(workload, services, code))),
  ];
}

/** The first argument, such as `apps/auth/dist/main.js`. */
export function scriptOf(container: Container): string {
  return container.args?.[0] ?? 'nothing';
}

/** How long a migration may take that builds an index of a large table, in seconds: killed, it begins anew. */
const indexSeconds = 21_600;

function workloadFaults(workload: Workload, services: Service[], code: Code): string[] {
  const pod = workload.spec.template.spec;
  const [container, ...others] = pod.containers;
  if (!container || others.length > 0) return ['has not exactly one container'];
  const process = code.processes.find(({ script }) => script === scriptOf(container));
  if (!process) return [`runs ${scriptOf(container)}, which is no process of the code`];
  return [
    ...variableFaults(container, process),
    ...valueFaults(container, pod, services),
    ...(workload.kind === 'Job'
      ? faults(
          [workload.spec.activeDeadlineSeconds === undefined, 'may run for ever: activeDeadlineSeconds is missing'],
          [
            (workload.spec.activeDeadlineSeconds ?? indexSeconds) < indexSeconds,
            `is killed while it builds an index: activeDeadlineSeconds is below ${indexSeconds}`,
          ],
        )
      : [...portFaults(container), ...probeFaults(container, process), ...drainFaults(container, pod, code)]),
  ];
}

/** Every variable is set, so that nothing runs on a default for one machine. */
function variableFaults(container: Container, { variables }: Process): string[] {
  const plain = (name: string) => name.replace(/_FILE$/, '');
  const names = (container.env ?? []).map(({ name }) => plain(name));
  const read = variables.map(plain);
  return [
    ...read.filter((name) => !names.includes(name)).map((name) => `${name} is missing`),
    ...names.filter((name) => !read.includes(name)).map((name) => `${name} is not read by the code`),
  ];
}

function valueFaults(container: Container, pod: Pod, services: Service[]): string[] {
  return (container.env ?? []).flatMap(({ name, value = '' }) => {
    if (name.endsWith('_FILE')) return fileFaults(name, value, container, pod);
    // Public URLs are no secrets.
    if (['PUBLIC_URL', 'CONSOLE_URL'].includes(name)) return [];
    if (/_(URL|KEY)$/.test(name)) return [`${name} is a secret and must come from a file`];
    if (['EDGE_HOST', 'GRPC_ADDRESS', 'HTTP_ADDRESS'].includes(name))
      return faults([value.split(':')[0] !== '0.0.0.0', `${name} is not reachable from other pods`]);
    if (name === 'CLAMD_ADDRESS' && value === '') return [];
    if (name.endsWith('_ADDRESS')) return addressFaults(name, value, services);
    return [];
  });
}

/** Our secrets are named like their variables; certificates as cert-manager names them. */
function fileFaults(name: string, path: string, container: Container, pod: Pod): string[] {
  const mount = container.volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const isInSecret = pod.volumes?.some((volume) => volume.name === mount?.name && volume.secret) ?? false;
  const file = path.split('/').at(-1) ?? '';
  const expected = name
    .replace(/_FILE$/, '')
    .toLowerCase()
    .replaceAll('_', '-');
  return faults(
    [!isInSecret, `${name} is not in a mounted secret`],
    [file !== expected && !['tls.crt', 'tls.key', 'ca.crt'].includes(file), `${name} is not a file ${expected}`],
  );
}

/** `host:port`: gRPC looks a bare host name up in DNS. */
function addressFaults(name: string, value: string, services: Service[]): string[] {
  const [host, port, ...rest] = value.split(':');
  const service = services.find(({ metadata }) => metadata.name === host);
  const isServed = service?.spec.ports?.some((each) => each.port === Number(port)) && rest.length === 0;
  return faults(
    [!isServed, `${name}: no Service serves ${value}`],
    [
      isServed && service?.spec.clusterIP !== 'None',
      `${name}: ${host} is not headless, so calls would stay with one pod`,
    ],
  );
}

function portFaults(container: Container): string[] {
  const env = container.env ?? [];
  const listening = env
    .filter(({ name }) => ['GRPC_ADDRESS', 'HTTP_ADDRESS'].includes(name) || name.endsWith('_PORT'))
    .map(({ value = '' }) => Number(value.split(':').at(-1)));
  const declared = (container.ports ?? []).map(({ containerPort }) => containerPort);
  return [
    ...listening.filter((port) => !declared.includes(port)).map((port) => `port ${port} is not declared`),
    ...declared.filter((port) => !listening.includes(port)).map((port) => `nothing listens on port ${port}`),
  ];
}

function probeFaults(container: Container, { probePaths }: Process): string[] {
  const probePort = container.env?.find(({ name }) => name === 'HEALTH_PORT')?.value;
  const wanted = [
    ['startupProbe', '/livez'],
    ['livenessProbe', '/livez'],
    ['readinessProbe', '/readyz'],
  ] as const;
  return wanted.flatMap(([name, path]) => {
    const request = container[name]?.httpGet;
    // pod-faults.ts checks that a probe exists.
    if (!request) return [];
    const port = container.ports?.find((each) => each.name === request.port)?.containerPort ?? request.port;
    return faults(
      [request.path !== path, `${name} does not ask for ${path}`],
      [!probePaths.includes(request.path), `${name}: the code does not answer ${request.path}`],
      [String(port) !== probePort, `${name}: the code does not answer probes on port ${port}`],
    );
  });
}

function drainFaults({ lifecycle }: Container, pod: Pod, { stopTimeoutSeconds }: Code): string[] {
  const preStopSeconds = lifecycle?.preStop?.sleep?.seconds ?? 0;
  const graceSeconds = pod.terminationGracePeriodSeconds ?? 0;
  return faults(
    [preStopSeconds === 0, 'stops before its clients have seen that it leaves: preStop is missing'],
    [graceSeconds <= preStopSeconds + stopTimeoutSeconds, `${graceSeconds} s are too few to drain`],
  );
}
