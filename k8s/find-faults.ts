import type { Manifest } from './manifest.ts';
import type { Code } from './read-code.ts';
import { availabilityFaults } from './rules/availability-faults.ts';
import { databaseFaults } from './rules/database-faults.ts';
import { imageFaults } from './rules/image-faults.ts';
import { monitoringFaults } from './rules/monitoring-faults.ts';
import { namespaceFaults } from './rules/namespace-faults.ts';
import { networkFaults } from './rules/network-faults.ts';
import { podFaults } from './rules/pod-faults.ts';
import { processFaults } from './rules/process-faults.ts';
import { serviceFaults } from './rules/service-faults.ts';

/**
 * Finds what keeps manifests from running the current code, or from our guarantees for a cluster. `schemaFaults` checks
 * their schemas.
 *
 * @returns a sentence for each fault
 */
export function findFaults(manifests: Manifest[], code: Code): string[] {
  return [
    ...processFaults(manifests, code),
    ...podFaults(manifests),
    ...serviceFaults(manifests),
    ...availabilityFaults(manifests),
    ...databaseFaults(manifests, code),
    ...networkFaults(manifests),
    ...imageFaults(manifests),
    ...namespaceFaults(manifests),
    ...monitoringFaults(manifests),
  ];
}
