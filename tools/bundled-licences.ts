import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A module's file, up to the folder of its package. */
const packageFolder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;
const isLicence = (name: string) => /^(?:licen[cs]e|copying|notice)/i.test(name);

/**
 * The licences of the bundled packages, which every copy of the bundle includes: names and versions with the texts.
 *
 * @param moduleIds files that the bundle was made of
 */
export function bundledLicences(moduleIds: readonly string[]): string {
  const folders = new Set(moduleIds.flatMap((id) => packageFolder.exec(id)?.[0] ?? []));
  // A package may be in several folders.
  return [...new Set([...folders].map(licenceOf))].sort().join('\n\n');
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string;
    version: string;
    license?: string;
  };
  if (license === undefined) throw new Error(`${folder} has no licence in its package.json.`);
  const texts = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && isLicence(entry.name))
    .map((entry) => readFileSync(join(folder, entry.name), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
}
