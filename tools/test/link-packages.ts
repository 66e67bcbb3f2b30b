// Replaces npm in `make-app-folder.ts`: creates the lock with npm, and then links the packages of the lock from this work
// tree, where they have the same paths. npm would take a minute to unpack them again.
import { execFileSync } from 'node:child_process';
import { linkSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

interface LockedPackage {
  resolved?: string;
  link?: boolean;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
}

/** Their install scripts create no files. */
const idleScripts = ['node_modules/@scarf/scarf', 'node_modules/protobufjs'];
const root = join(import.meta.dirname, '../..');
const args = process.argv.slice(2);
if (args[0] === 'ci') linkAll();
else execFileSync('npm', args, { stdio: 'inherit', env: { ...process.env, PATH: process.env['PATH_OF_NPM'] } });

function linkAll(): void {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, LockedPackage> };
  for (const [path, { resolved = '', link, dev, optional, hasInstallScript }] of Object.entries(lock.packages)) {
    if (!path.startsWith('node_modules/') || dev === true) continue;
    // Scripts are not run, so files that they create would be missing.
    if (hasInstallScript && !idleScripts.includes(path)) throw new Error(`${path} has an install script.`);
    mkdirSync(dirname(path), { recursive: true });
    if (link) symlinkSync(relative(dirname(path), resolved), path);
    else if (existsSync(join(root, path))) linkFiles(join(root, path), path);
    else if (!optional) throw new Error(`${path} is not installed.`);
  }
}

/** Without nested packages, which the lock lists separately. */
function linkFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === 'node_modules') continue;
    if (entry.isDirectory()) linkFiles(source, target);
    else linkFile(source, target);
  }
}

function linkFile(source: string, target: string): void {
  try {
    linkSync(source, target);
  } catch {
    // The two are on different devices.
    copyFileSync(source, target);
  }
}
