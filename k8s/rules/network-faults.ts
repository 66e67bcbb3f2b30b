import { containersOf, isDatabase, isOurs, isWorkload, type Manifest, type Workload } from '../manifest.ts';
import { faults } from './fault.ts';
import { anywhere, arrowsOf, deniesByDefault, podsOf, type Pods } from './network-policies.ts';

/** Traffic that leaves the cluster, besides the diagram: ports by pods. */
const outgoing: Readonly<Record<string, number[]>> = {
  // Mails.
  auth: [465, 587],
  // Webhooks, mailboxes and relays.
  sync: [443, 143, 993, 25, 465, 587],
  // The trace store.
  collector: [443],
};
const databasePorts = [5432, 8000];

/**
 * Policies allow each connection that the variables of the processes need, those of databases, DNS and metrics, and no
 * other.
 */
export function networkFaults(manifests: Manifest[]): string[] {
  const pods = podsOf(manifests);
  const arrows = arrowsOf(manifests, pods);
  const isInside = (arrow: string) => !arrow.includes(anywhere) && !arrow.includes('namespace ');
  const oneSided = [
    ...lacking(arrows.in, arrows.out)
      .filter(isInside)
      .map((arrow) => `${arrow} may leave, but not enter`),
    ...lacking(arrows.out, arrows.in)
      .filter(isInside)
      .map((arrow) => `${arrow} may enter, but not leave`),
  ];
  const allowed = new Set([...arrows.out, ...arrows.in]);
  const wanted = wantedArrows(manifests, pods);
  return [
    ...faults([!deniesByDefault(manifests), 'No NetworkPolicy denies what none allows']),
    ...oneSided,
    ...lacking(allowed, wanted).map((arrow) => `No NetworkPolicy allows ${arrow}`),
    ...lacking(wanted, allowed).map((arrow) => `A NetworkPolicy allows ${arrow}, which nothing needs`),
  ];
}

/** The arrows that `present` lacks. */
function lacking(present: Set<string>, arrows: Set<string>): string[] {
  return [...arrows].filter((arrow) => !present.has(arrow));
}

/** The diagram of the platform, derived from its variables. */
export function pictureArrows(manifests: Manifest[]): string[] {
  return manifests.filter(isWorkload).filter(isOurs).flatMap(arrowsOfProcess);
}

function wantedArrows(manifests: Manifest[], pods: Pods[]): Set<string> {
  const ours = manifests.filter(isWorkload).filter(isOurs);
  const isMonitored = manifests.some(({ kind }) => kind === 'PodMonitor');
  return new Set([
    ...pictureArrows(manifests),
    ...pods.map(({ name }) => `${name} → namespace kube-system:53`),
    ...pods.flatMap(({ name }) => (outgoing[name] ?? []).map((port) => `${name} → ${anywhere}:${port}`)),
    ...(isMonitored ? ours.flatMap(scrapeArrows) : []),
    ...manifests
      .filter(isDatabase)
      .flatMap(({ metadata: { name } }) => [
        ...databasePorts.flatMap((port) => [`${name} → ${name}:${port}`, `namespace cnpg-system → ${name}:${port}`]),
        ...[443, 6443].map((port) => `${name} → ${anywhere}:${port}`),
      ]),
  ]);
}

function arrowsOfProcess(workload: Workload): string[] {
  const { name } = workload.metadata;
  const app = /^rapport\/([a-z]+)/.exec(containersOf(workload)[0]?.image ?? '')?.[1];
  return (containersOf(workload)[0]?.env ?? []).flatMap(({ name: variable, value = '' }) => {
    if (/^(EDGE|REDIRECT)_PORT$/.test(variable)) return [`${anywhere} → ${name}:${value}`];
    if (/^(MIGRATION_)?DATABASE_URL_FILE$/.test(variable)) return [`${name} → ${app}-db:5432`];
    if (/^KEYS_(MIGRATION_)?DATABASE_URL_FILE$/.test(variable)) return [`${name} → keys-db:5432`];
    if (variable === 'REDIS_URL_FILE') return [`${name} → valkey:6379`];
    if (variable === 'OTEL_EXPORTER_OTLP_ENDPOINT') return [`${name} → ${new URL(value).host}`];
    return variable.endsWith('_ADDRESS') && value !== '' && !value.startsWith('0.0.0.0:') ? [`${name} → ${value}`] : [];
  });
}

function scrapeArrows(workload: Workload): string[] {
  const health = containersOf(workload)[0]?.env?.find(({ name }) => name === 'HEALTH_PORT')?.value;
  return health === undefined ? [] : [`namespace monitoring → ${workload.metadata.name}:${health}`];
}
