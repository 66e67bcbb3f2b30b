import { type Manifest } from '../manifest.ts';
import { faults } from './fault.ts';

const enforced = 'pod-security.kubernetes.io/enforce';

/** Everything is in one namespace, which admits restricted pods only. */
export function namespaceFaults(manifests: Manifest[]): string[] {
  const names = new Set(manifests.flatMap(({ metadata }) => metadata.namespace ?? []));
  const [namespace, ...others] = manifests.filter(({ kind }) => kind === 'Namespace');
  return faults(
    [!namespace || others.length > 0, 'There is not exactly one Namespace'],
    [namespace && namespace.metadata.labels?.[enforced] !== 'restricted', 'The Namespace takes unrestricted pods'],
    [names.size !== 1 || !names.has(namespace?.metadata.name ?? ''), 'Not everything is in the Namespace'],
  );
}
