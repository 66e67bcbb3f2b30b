import { isWorkload, type Container, type Manifest, type Pod, type Workload } from '../manifest.ts';
import { faults, labelled } from './fault.ts';

/**
 * Rules for every pod, third-party ones included: the restricted standard, probes, resources, and no secrets in variables.
 */
export function podFaults(manifests: Manifest[]): string[] {
  return manifests.filter(isWorkload).flatMap((workload) => {
    const pod = workload.spec.template.spec;
    return labelled(workload, [
      ...accountFaults(pod, manifests),
      ...volumeFaults(pod, manifests),
      ...pod.containers.flatMap((container) => [
        ...securityFaults(container, pod),
        ...resourceFaults(container),
        ...probeFaults(container, workload),
      ]),
    ]);
  });
}

function accountFaults(pod: Pod, manifests: Manifest[]): string[] {
  const { serviceAccountName: name = 'default' } = pod;
  const account = manifests.find(({ kind, metadata }) => kind === 'ServiceAccount' && metadata.name === name);
  return faults(
    [!account, `has no ServiceAccount of its own: there is no ${name}`],
    [account && account.automountServiceAccountToken !== false, `its ServiceAccount ${name} gives tokens`],
    [pod.automountServiceAccountToken !== false, 'has a token for the API of Kubernetes'],
    [pod.enableServiceLinks !== false, 'gets variables of Services, which collide with its own'],
  );
}

function volumeFaults({ volumes = [] }: Pod, manifests: Manifest[]): string[] {
  const present = new Set(manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name));
  return volumes.flatMap(({ configMap }) =>
    faults([configMap && !present.has(configMap.name), `there is no ConfigMap ${configMap?.name}`]),
  );
}

function securityFaults({ env = [], envFrom, securityContext }: Container, pod: Pod): string[] {
  return faults(
    [envFrom !== undefined || env.some(({ valueFrom }) => valueFrom !== undefined), 'takes variables from elsewhere'],
    [pod.securityContext?.runAsNonRoot !== true, 'may run as root'],
    [pod.securityContext?.seccompProfile?.type !== 'RuntimeDefault', 'has no seccomp profile'],
    [securityContext?.allowPrivilegeEscalation !== false, 'may gain privileges'],
    [securityContext?.readOnlyRootFilesystem !== true, 'may write to its file system'],
    [!securityContext?.capabilities?.drop?.includes('ALL'), 'keeps capabilities'],
  );
}

/** No limit for CPU: it would throttle requests on nodes with idle processors. */
function resourceFaults({ resources }: Container): string[] {
  return faults(
    [!resources?.requests?.['cpu'], 'requests no CPU'],
    [!resources?.requests?.['memory'], 'requests no memory'],
    [!resources?.limits?.['memory'], 'has no limit for memory'],
  );
}

function probeFaults(container: Container, { kind }: Workload): string[] {
  if (kind === 'Job') return [];
  const wanted = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const;
  return wanted.flatMap((name) => {
    const port = (container[name]?.httpGet ?? container[name]?.tcpSocket)?.port;
    const isDeclared = container.ports?.some((each) => each.name === port || each.containerPort === port);
    return faults(
      [port === undefined, `${name} is missing`],
      [port !== undefined && !isDeclared, `${name} asks port ${port}, which is not declared`],
    );
  });
}
