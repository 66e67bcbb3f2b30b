import {
  containersOf,
  isAutoscaler,
  isDisruptionBudget,
  isOurs,
  isWorkload,
  hasLabels,
  podLabels,
  type Autoscaler,
  type Manifest,
  type Workload,
} from '../manifest.ts';
import { faults, labelled } from './fault.ts';

/** Every serving process is scaled, spread over machines, rolled out without a gap, and not evicted all at once. */
export function availabilityFaults(manifests: Manifest[]): string[] {
  const autoscalers = manifests.filter(isAutoscaler);
  const servers = manifests.filter(isWorkload).filter((workload) => workload.kind === 'Deployment' && isOurs(workload));
  return [
    ...servers.flatMap((server) => {
      const autoscaler = autoscalers.find(({ spec }) => spec.scaleTargetRef.name === server.metadata.name);
      return labelled(server, [
        ...budgetFaults(server, manifests),
        ...spreadFaults(server),
        ...rolloutFaults(server),
        ...(autoscaler ? edgeFaults(server, autoscaler) : ['has no HorizontalPodAutoscaler']),
      ]);
    }),
    ...autoscalers.flatMap((autoscaler) => labelled(autoscaler, autoscalerFaults(autoscaler, servers))),
    ...publicUrlFaults(servers),
  ];
}

function budgetFaults(server: Workload, manifests: Manifest[]): string[] {
  const budgets = manifests
    .filter(isDisruptionBudget)
    .filter(({ spec }) => hasLabels(podLabels(server), spec.selector?.matchLabels ?? { none: '' }));
  return faults(
    [budgets.length !== 1, `has ${budgets.length} PodDisruptionBudgets`],
    [budgets.some(({ spec }) => spec.maxUnavailable !== 1), 'may lose more than one pod at a time'],
  );
}

function spreadFaults(server: Workload): string[] {
  const keys = server.spec.template.spec.topologySpreadConstraints?.map(({ topologyKey }) => topologyKey) ?? [];
  return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname']
    .filter((key) => !keys.includes(key))
    .map((key) => `is not spread by ${key}`);
}

function rolloutFaults(server: Workload): string[] {
  const { spec } = server;
  // The lifetime of connections varies by a tenth.
  const meetingSeconds = Number(variable(server, 'CONNECTION_AGE_SECONDS') ?? 0) * 1.1;
  return faults(
    [(spec.minReadySeconds ?? 0) <= meetingSeconds, 'replaces pods before all clients have resolved the new ones'],
    [spec.replicas !== undefined, 'sets replicas, which its HorizontalPodAutoscaler would lose at the next change'],
    [spec.strategy?.rollingUpdate?.maxUnavailable !== 0, 'ends pods before there are new ones'],
  );
}

/** While Redis is unreachable each edge grants its part of the budgets: edges beyond EDGE_COUNT would grant too much. */
function edgeFaults(server: Workload, { spec }: Autoscaler): string[] {
  const counted = variable(server, 'EDGE_COUNT');
  const most = spec.maxReplicas + (server.spec.strategy?.rollingUpdate?.maxSurge ?? 0);
  return faults([counted !== undefined && Number(counted) < most, `EDGE_COUNT is below the ${most} that there can be`]);
}

function autoscalerFaults({ spec }: Autoscaler, servers: Workload[]): string[] {
  const server = servers.find(({ metadata }) => metadata.name === spec.scaleTargetRef.name);
  if (!server) return [`scales ${spec.scaleTargetRef.name}, which is no process that serves`];
  const pods = spec.metrics?.find(({ type }) => type === 'Pods')?.pods;
  const places = variable(server, 'PLACES');
  const most = places === undefined ? undefined : (JSON.parse(places) as { interactive: number }).interactive;
  return faults(
    [spec.minReplicas > spec.maxReplicas, 'has a minimum above its maximum'],
    [!spec.metrics?.some(({ resource }) => resource?.name === 'cpu'), 'does not look at the processor'],
    [most !== undefined && !pods, 'does not use the calls in progress'],
    [
      most !== undefined && pods && Number(pods.target.averageValue) >= most,
      `waits for more calls in progress than the ${most} places of a pod`,
    ],
  );
}

/**
 * The issuer of tokens is the public URL, in auth, which issues them, and in the edge, which verifies them. Auth sends browsers back to
 * the console at the edge's address of it.
 */
function publicUrlFaults(servers: Workload[]): string[] {
  return ['PUBLIC_URL', 'CONSOLE_URL'].flatMap((name) => {
    const urls = servers.map((server) => variable(server, name));
    const different = new Set(urls.filter((url) => url !== undefined));
    return faults([different.size > 1, `${name} differs: ${[...different].join(', ')}`]);
  });
}

function variable(server: Workload, name: string): string | undefined {
  return containersOf(server)[0]?.env?.find((each) => each.name === name)?.value;
}
