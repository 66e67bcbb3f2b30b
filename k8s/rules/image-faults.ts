import { containersOf, isOurs, isWorkload, type Manifest, type Workload } from '../manifest.ts';
import { faults, labelled } from './fault.ts';

const fixedTag = /:(?!latest$)[\w.-]+$/;
const digest = /@sha256:[0-9a-f]{64}$/;

/** Every image is immutable, or pinned by version: see `unpinnedImages`. */
export function imageFaults(manifests: Manifest[]): string[] {
  return manifests.filter(isWorkload).flatMap((workload) =>
    labelled(
      workload,
      containersOf(workload).flatMap(({ image }) =>
        faults(
          [!digest.test(image) && !fixedTag.test(image), `image ${image} has no fixed tag`],
          [
            isOurs(workload) && appOf(image) !== scriptApp(workload),
            `image ${image} is not that of ${scriptApp(workload)}`,
          ],
        ),
      ),
    ),
  );
}

/** Third-party images that are pinned by a version, which their publishers could move, and not by a digest. */
export function unpinnedImages(manifests: Manifest[]): string[] {
  const others = manifests.filter(isWorkload).filter((workload) => !isOurs(workload));
  return [...new Set(others.flatMap(containersOf).map(({ image }) => image))].filter((image) => !digest.test(image));
}

function appOf(image: string): string | undefined {
  return /^rapport\/([a-z]+)[:@]/.exec(image)?.[1];
}

function scriptApp(workload: Workload): string | undefined {
  return /^apps\/([a-z]+)\//.exec(containersOf(workload)[0]?.args?.[0] ?? '')?.[1];
}
