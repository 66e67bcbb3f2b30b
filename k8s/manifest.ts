/** The parts of a manifest that are checked. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Labels };
  spec?: unknown;
  data?: Record<string, string>;
  automountServiceAccountToken?: boolean;
}

export type Labels = Record<string, string>;

export interface Service extends Manifest {
  spec: {
    clusterIP?: string;
    type?: string;
    selector?: Labels;
    ports?: { port: number; targetPort?: string }[];
  };
}

/** A Deployment or a Job. */
export interface Workload extends Manifest {
  spec: {
    activeDeadlineSeconds?: number;
    replicas?: number;
    minReadySeconds?: number;
    strategy?: { type?: string; rollingUpdate?: { maxSurge?: number; maxUnavailable?: number } };
    template: { metadata?: { labels?: Labels }; spec: Pod };
  };
}

export interface Pod {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  serviceAccountName?: string;
  terminationGracePeriodSeconds?: number;
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type?: string } };
  topologySpreadConstraints?: { topologyKey: string }[];
  containers: Container[];
  volumes?: {
    name: string;
    secret?: { secretName: string; items?: { key: string }[] };
    configMap?: { name: string };
  }[];
}

export interface Container {
  image: string;
  args?: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: unknown[];
  ports?: { name?: string; containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  resources?: { requests?: Record<string, string>; limits?: Record<string, string> };
  securityContext?: {
    allowPrivilegeEscalation?: boolean;
    readOnlyRootFilesystem?: boolean;
    capabilities?: { drop?: string[] };
  };
  volumeMounts?: { name: string; mountPath: string }[];
}

export interface Probe {
  httpGet?: { path: string; port: string | number };
  tcpSocket?: { port: string | number };
}

export interface Autoscaler extends Manifest {
  spec: {
    scaleTargetRef: { name: string };
    minReplicas: number;
    maxReplicas: number;
    metrics?: {
      type: string;
      resource?: { name: string };
      pods?: { metric: { name: string; selector?: { matchLabels?: Labels } }; target: { averageValue?: string } };
    }[];
  };
}

export interface DisruptionBudget extends Manifest {
  spec: { maxUnavailable?: number; selector?: { matchLabels?: Labels } };
}

/** A database of CloudNativePG. */
export interface Database extends Manifest {
  spec: {
    instances: number;
    bootstrap?: {
      initdb?: {
        database?: string;
        owner?: string;
        postInitApplicationSQLRefs?: { configMapRefs?: { name: string; key: string }[] };
      };
    };
    managed?: { roles?: { name: string }[] };
    postgresql?: { parameters?: Record<string, string>; synchronous?: { failoverQuorum?: boolean } };
    resources?: Container['resources'];
    storage: { size: string };
    walStorage?: { size: string };
  };
}

export function isService(manifest: Manifest): manifest is Service {
  return manifest.kind === 'Service';
}

export function isWorkload(manifest: Manifest): manifest is Workload {
  return manifest.kind === 'Deployment' || manifest.kind === 'Job';
}

export function isAutoscaler(manifest: Manifest): manifest is Autoscaler {
  return manifest.kind === 'HorizontalPodAutoscaler';
}

export function isDisruptionBudget(manifest: Manifest): manifest is DisruptionBudget {
  return manifest.kind === 'PodDisruptionBudget';
}

export function isDatabase(manifest: Manifest): manifest is Database {
  return manifest.kind === 'Cluster' && manifest.apiVersion.startsWith('postgresql.cnpg.io/');
}

export function podLabels(workload: Workload): Labels {
  return workload.spec.template.metadata?.labels ?? {};
}

export function containersOf(workload: Workload): Container[] {
  return workload.spec.template.spec.containers;
}

/** Whether it runs one of our processes: Node with a script of an app. */
export function isOurs(workload: Workload): boolean {
  return containersOf(workload).some(({ image }) => image.startsWith('rapport/'));
}

export function hasLabels(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([label, value]) => labels[label] === value);
}
