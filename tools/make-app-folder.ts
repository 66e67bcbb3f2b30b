// Creates the folder of an app's image from the build: `node tools/make-app-folder.ts auth /app`. It has the app's bundle
// and the packages outside the bundle, installed with a part of our lock.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { externalPackages } from './external-packages.ts';

interface PackageJson {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const root = join(import.meta.dirname, '..');
const [app, target] = process.argv.slice(2);
if (!app || !target) throw new Error('Usage: make-app-folder.ts <app> <folder>');
const folder = resolve(target);
const dist = join(root, 'apps', app, 'dist');
if (!existsSync(dist)) throw new Error(`apps/${app} is not built: npx nx run-many -t build`);

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
cpSync(dist, join(folder, 'apps', app, 'dist'), { recursive: true });
const dependencies = namedPackages();
writeJson('package.json', { name: `rapport-${app}`, private: true, type: 'module', dependencies });
// Most bundles have everything.
if (Object.keys(dependencies).length > 0) {
  // npm reduces the lock to the required packages, keeps every version and hash, and needs no network.
  cpSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
  npm('install', '--package-lock-only', '--offline', '--omit=dev');
  npm('ci', '--omit=dev', '--prefer-offline');
}

/** External packages whose names occur in the bundle: a package whose files are served is not imported. */
function namedPackages(): Record<string, string> {
  const code = globSync('**/*.js', { cwd: dist })
    .map((file) => readFileSync(join(dist, file), 'utf8'))
    .join('\n');
  const { dependencies = {}, devDependencies = {} } = readJson(join(root, 'package.json'));
  const versions = { ...devDependencies, ...dependencies };
  const isNamed = (name: string) => ['"', "'", '`'].some((quote) => code.includes(quote + name));
  return Object.fromEntries(externalPackages.filter(isNamed).map((name) => [name, versions[name] ?? '*']));
}

function npm(...args: string[]): void {
  execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function readJson(file: string): PackageJson {
  return JSON.parse(readFileSync(file, 'utf8')) as PackageJson;
}

function writeJson(file: string, content: object): void {
  writeFileSync(join(folder, file), `${JSON.stringify(content, null, 2)}\n`);
}
