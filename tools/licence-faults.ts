import type { LockedPackage } from './lockfile-faults.ts';

/** Licences that ask for nothing but a copy of their text: code under them may be part of an image. */
const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'Python-2.0',
  'Unlicense',
]);

/** What only builds and tests use is distributed to nobody, so licences that bind changes or name an author are no burden. */
const forDevelopment = new Set([
  ...[...permissive, 'CC-BY-4.0', 'MPL-2.0'],
  // The address of Apache-2.0, which `@serverlessworkflow/sdk` names in its place.
  'http://www.apache.org/licenses/LICENSE-2.0.txt',
]);

/**
 * Packages of package-lock.json whose licence is not allowed: one sentence for each.
 *
 * @param packages `packages` of package-lock.json, by folder
 */
export function licenceFaults(packages: Readonly<Record<string, LockedPackage>>): string[] {
  return Object.entries(packages).flatMap(([folder, { license, link, dev = false }]) => {
    if (!folder.includes('node_modules/') || link) return [];
    if (license === undefined) return [`${folder} names no licence.`];
    if (isAllowed(license, dev ? forDevelopment : permissive)) return [];
    return [
      `${folder} is under ${license}, which is not allowed for a package of ${dev ? 'development' : 'production'}.`,
    ];
  });
}

/** An SPDX expression of one operator: any licence of an OR, all of an AND. A nested one is not allowed. */
function isAllowed(expression: string, allowed: ReadonlySet<string>): boolean {
  const text = expression.replace(/^\((.*)\)$/, '$1');
  if (text.includes(' OR ')) return text.split(' OR ').some((each) => allowed.has(each));
  return text.split(' AND ').every((each) => allowed.has(each));
}
