import { containersOf, hasLabels, isService, isWorkload, podLabels, type Manifest, type Service } from '../manifest.ts';
import { faults, labelled } from './fault.ts';

/** Every Service has pods with its ports; every serving process has a Service. */
export function serviceFaults(manifests: Manifest[]): string[] {
  const services = manifests.filter(isService);
  const servers = manifests.filter(isWorkload).filter(({ kind }) => kind === 'Deployment');
  return [
    ...services.flatMap((service) => labelled(service, [...portFaults(service, manifests), ...clientFaults(service)])),
    ...servers
      .filter((server) => !services.some(({ spec }) => hasLabels(podLabels(server), spec.selector ?? { none: '' })))
      .flatMap((server) => labelled(server, ['no Service leads to it'])),
  ];
}

function portFaults({ spec }: Service, manifests: Manifest[]): string[] {
  const target = manifests.filter(isWorkload).find((workload) => hasLabels(podLabels(workload), spec.selector ?? {}));
  if (Object.keys(spec.selector ?? {}).length === 0 || !target) return ['selects no pods'];
  const ports = containersOf(target).flatMap((container) => container.ports ?? []);
  return (spec.ports ?? []).flatMap(({ port, targetPort }) => {
    const containerPort = ports.find(({ name }) => name === targetPort)?.containerPort;
    return faults(
      [containerPort === undefined, `port ${targetPort} is none of its pods`],
      // External clients use 443 and 80; inside the cluster a port has one number.
      [
        spec.type !== 'LoadBalancer' && containerPort !== port,
        `port ${port} is not the port ${targetPort} of its pods`,
      ],
    );
  });
}

function clientFaults({ spec }: Service): string[] {
  const policy = (spec as { externalTrafficPolicy?: string }).externalTrafficPolicy;
  return faults([
    spec.type === 'LoadBalancer' && policy !== 'Local',
    'hides the addresses of clients, by which the edge counts wrong credentials: externalTrafficPolicy is not Local',
  ]);
}
