import {
  isService,
  isWorkload,
  type Container,
  type Manifest,
  type Pod,
  type Service,
  type Workload,
} from './manifest.ts';
import type { Code, Process } from './read-code.ts';

/**
 * What keeps manifests from running the code as it is: each process has its workload, and each workload its process with
 * the variables, ports and probes that the code has, within the limits of a restricted pod.
 *
 * @returns a sentence for each fault
 */
export function findFaults(manifests: Manifest[], code: Code): string[] {
  const workloads = manifests.filter(isWorkload);
  const services = manifests.filter(isService);
  const run = new Set(workloads.flatMap(containersOf).map(scriptOf));
  return [
    ...code.processes.filter(({ script }) => !run.has(script)).map(({ script }) => `No workload runs ${script}`),
    ...workloads.flatMap((workload) => labelled(workload, workloadFaults(workload, services, code))),
    ...services.flatMap((service) => labelled(service, serviceFaults(service, workloads))),
  ];
}

function workloadFaults(workload: Workload, services: Service[], code: Code): string[] {
  const pod = workload.spec.template.spec;
  const [container, ...others] = pod.containers;
  if (!container || others.length > 0) return ['has not exactly one container'];
  const process = code.processes.find(({ script }) => script === scriptOf(container));
  if (!process) return [`runs ${scriptOf(container)}, which is no process of the code`];
  return [
    ...variableFaults(container, process),
    ...valueFaults(container, pod, services),
    ...securityFaults(container, pod),
    ...resourceFaults(container),
    ...(workload.kind === 'Job'
      ? faults([
          workload.spec.activeDeadlineSeconds === undefined,
          'may run for ever: activeDeadlineSeconds is missing',
        ])
      : [...portFaults(container), ...probeFaults(container, process), ...drainFaults(container, pod, code)]),
  ];
}

/** Every variable is set, so that nothing runs on a default that is meant for one machine. */
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
    if (name.endsWith('_FILE'))
      return faults([!isInSecret(value, container, pod), `${name} is not in a mounted secret`]);
    // Everybody may know by which address clients come.
    if (name === 'PUBLIC_URL') return [];
    if (/_(URL|KEY)$/.test(name)) return [`${name} is a secret and must come from a file`];
    if (['EDGE_HOST', 'GRPC_ADDRESS', 'HTTP_ADDRESS'].includes(name))
      return faults([value.split(':')[0] !== '0.0.0.0', `${name} is not reachable from other pods`]);
    if (name.endsWith('_ADDRESS')) return addressFaults(name, value, services);
    return [];
  });
}

function isInSecret(path: string, container: Container, pod: Pod): boolean {
  const mount = container.volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  return pod.volumes?.some(({ name, secret }) => name === mount?.name && secret) ?? false;
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

function securityFaults({ image, securityContext }: Container, pod: Pod): string[] {
  return faults(
    [!/^rapport\/[a-z]+:(?!latest$)[\w.-]+$/.test(image), `image ${image} is not one of ours with a fixed tag`],
    [pod.securityContext?.runAsNonRoot !== true, 'may run as root'],
    [pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault', 'has no seccomp profile'],
    [pod.automountServiceAccountToken !== false, 'has a token for the API of Kubernetes'],
    [pod.enableServiceLinks !== false, 'gets variables of Services, which collide with its own'],
    [securityContext?.allowPrivilegeEscalation !== false, 'may gain privileges'],
    [securityContext?.readOnlyRootFilesystem !== true, 'may write to its file system'],
    [!securityContext?.capabilities?.drop?.includes('ALL'), 'keeps capabilities'],
  );
}

/** No limit for CPU: it would slow requests down on nodes that have time to spare. */
function resourceFaults({ resources }: Container): string[] {
  return faults(
    [!resources?.requests?.['cpu'], 'requests no CPU'],
    [!resources?.requests?.['memory'], 'requests no memory'],
    [!resources?.limits?.['memory'], 'has no limit for memory'],
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
    if (!request) return [`${name} is missing`];
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

function serviceFaults({ spec }: Service, workloads: Workload[]): string[] {
  const selector = Object.entries(spec.selector ?? {});
  const target = workloads.find(({ spec: { template } }) =>
    selector.every(([label, value]) => template.metadata?.labels?.[label] === value),
  );
  if (selector.length === 0 || !target) return ['selects no pods'];
  const ports = containersOf(target).flatMap((container) => container.ports ?? []);
  return (spec.ports ?? []).flatMap(({ port, targetPort }) => {
    const containerPort = ports.find(({ name }) => name === targetPort)?.containerPort;
    return faults([containerPort !== port, `port ${port} is not the port ${targetPort} of its pods`]);
  });
}

function containersOf(workload: Workload): Container[] {
  return workload.spec.template.spec.containers;
}

function scriptOf(container: Container): string {
  return container.args?.[0] ?? 'nothing';
}

function faults(...checks: [isFault: boolean | undefined, sentence: string][]): string[] {
  return checks.filter(([isFault]) => isFault).map(([, sentence]) => sentence);
}

function labelled({ kind, metadata }: Manifest, sentences: string[]): string[] {
  return sentences.map((sentence) => `${kind} ${metadata.name}: ${sentence}`);
}
