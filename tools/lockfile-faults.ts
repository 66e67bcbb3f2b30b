/** An entry of `packages` in package-lock.json. */
export interface LockedPackage {
  resolved?: string;
  integrity?: string;
  link?: boolean;
  /** An SPDX expression, as the package gives it. */
  license?: string;
  /** Only builds and tests need it. */
  dev?: boolean;
}

/**
 * What lets a package come from elsewhere than the registry that npm is set to, or with other content than when it was
 * locked: one sentence for each. We lock no addresses: with none, npm asks its registry, over HTTPS, and nobody else.
 *
 * @param packages `packages` of package-lock.json, by folder
 * @param workspaces folders of our own packages
 */
export function lockfileFaults(
  packages: Readonly<Record<string, LockedPackage>>,
  workspaces: readonly string[],
): string[] {
  return Object.entries(packages).flatMap(([folder, { resolved, integrity, link }]) => {
    if (!folder.includes('node_modules/')) return [];
    if (link)
      return workspaces.includes(resolved ?? '') ? [] : [`${folder} is a link to ${resolved}, which is not ours.`];
    return [
      ...(resolved === undefined ? [] : [`${folder} comes from an address of its own: ${new URL(resolved).origin}.`]),
      ...(integrity?.startsWith('sha512-') ? [] : [`${folder} has no SHA-512 to hold its content to.`]),
    ];
  });
}
