import { containersOf, hasLabels, isDatabase, isWorkload, podLabels, type Labels, type Manifest } from '../manifest.ts';

interface NetworkPolicy extends Manifest {
  spec: {
    podSelector: Selector;
    policyTypes: string[];
    ingress?: { from?: Peer[]; ports?: Port[] }[];
    egress?: { to?: Peer[]; ports?: Port[] }[];
  };
}

interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

interface Peer {
  podSelector?: Selector;
  namespaceSelector?: { matchLabels?: Labels };
}

interface Port {
  port: number | string;
}

/** Pods that policies select: those of a workload, or of a database. */
export interface Pods {
  name: string;
  labels: Labels;
  /** Numbers by name. */
  ports: ReadonlyMap<string, number>;
}

/** Peers outside these manifests. */
export const anywhere = 'anywhere';

export function podsOf(manifests: Manifest[]): Pods[] {
  const workloads = manifests.filter(isWorkload).map((workload) => ({
    name: workload.metadata.name,
    labels: podLabels(workload),
    ports: new Map(
      containersOf(workload).flatMap(({ ports = [] }) =>
        ports.map(({ name, containerPort }): [string, number] => [name ?? '', containerPort]),
      ),
    ),
  }));
  const databases = manifests.filter(isDatabase).map(({ metadata: { name } }) => ({
    name,
    labels: { 'cnpg.io/cluster': name },
    ports: new Map<string, number>(),
  }));
  return [...workloads, ...databases];
}

/** `from → to:port` for all egress and all ingress that policies allow. */
export function arrowsOf(manifests: Manifest[], pods: Pods[]): { out: Set<string>; in: Set<string> } {
  const arrows = { out: new Set<string>(), in: new Set<string>() };
  for (const { spec } of manifests.filter(isNetworkPolicy)) {
    for (const self of selected(spec.podSelector, pods)) {
      for (const { to, ports = [] } of spec.egress ?? [])
        for (const peer of peerNames(to, pods))
          for (const { port } of ports) arrows.out.add(`${self.name} → ${peer}:${port}`);
      for (const { from, ports = [] } of spec.ingress ?? [])
        for (const peer of peerNames(from, pods))
          for (const { port } of ports) {
            const number = typeof port === 'number' ? port : self.ports.get(port);
            if (number !== undefined) arrows.in.add(`${peer} → ${self.name}:${number}`);
          }
    }
  }
  return arrows;
}

/** Whether the policy denies everything. */
export function deniesByDefault(manifests: Manifest[]): boolean {
  return manifests
    .filter(isNetworkPolicy)
    .some(
      ({ spec }) =>
        Object.keys(spec.podSelector).length === 0 &&
        spec.policyTypes.includes('Ingress') &&
        spec.policyTypes.includes('Egress') &&
        !spec.ingress &&
        !spec.egress,
    );
}

function isNetworkPolicy(manifest: Manifest): manifest is NetworkPolicy {
  return manifest.kind === 'NetworkPolicy';
}

function peerNames(peers: Peer[] | undefined, pods: Pods[]): string[] {
  if (!peers) return [anywhere];
  return peers.flatMap(({ namespaceSelector, podSelector }) => {
    if (namespaceSelector) return [`namespace ${namespaceSelector.matchLabels?.['kubernetes.io/metadata.name']}`];
    return podSelector ? selected(podSelector, pods).map(({ name }) => name) : [anywhere];
  });
}

function selected({ matchLabels = {}, matchExpressions = [] }: Selector, pods: Pods[]): Pods[] {
  return pods.filter(
    ({ labels }) =>
      hasLabels(labels, matchLabels) &&
      matchExpressions.every(({ key, operator, values }) => {
        const value = labels[key];
        if (operator === 'Exists') return value !== undefined;
        if (operator === 'In') return value !== undefined && values?.includes(value);
        throw new Error(`The operator ${operator} of a policy is not supported.`);
      }),
  );
}
