/** The parts of a manifest that are checked. */
export interface Manifest {
  kind: string;
  metadata: { name: string };
  spec?: unknown;
}

export interface Service extends Manifest {
  spec: { clusterIP?: string; selector?: Record<string, string>; ports?: { port: number; targetPort?: string }[] };
}

/** A Deployment or a Job. */
export interface Workload extends Manifest {
  spec: {
    activeDeadlineSeconds?: number;
    template: { metadata?: { labels?: Record<string, string> }; spec: Pod };
  };
}

export interface Pod {
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  terminationGracePeriodSeconds?: number;
  securityContext?: { runAsNonRoot?: boolean; seccompProfile?: { type?: string } };
  containers: Container[];
  volumes?: { name: string; secret?: { secretName: string } }[];
}

export interface Container {
  image: string;
  args?: string[];
  env?: { name: string; value?: string }[];
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
}

export function isService(manifest: Manifest): manifest is Service {
  return manifest.kind === 'Service';
}

export function isWorkload(manifest: Manifest): manifest is Workload {
  return manifest.kind === 'Deployment' || manifest.kind === 'Job';
}
