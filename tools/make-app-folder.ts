// Makes the folder that an image of an app has, from what is built: `node tools/make-app-folder.ts auth /app`. It holds the app,
// the libraries that it is made of, and the packages that these name, installed by a lock that is a part of ours.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

interface PackageJson {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  allowScripts?: Record<string, boolean>;
}

const root = join(import.meta.dirname, '..');
const [app, target] = process.argv.slice(2);
if (!app || !target) throw new Error('Say which app, and into which folder.');
const folder = resolve(target);

const workspaces = closureOf(`@rapport/${app}`);
rmSync(folder, { recursive: true, force: true });
for (const workspace of workspaces) copyWorkspace(workspace);
writeJson('package.json', {
  name: `rapport-${app}`,
  private: true,
  type: 'module',
  workspaces,
  dependencies: namedPackages(workspaces),
});
// npm cuts the lock down to what is asked for, keeps every version and hash, and needs to ask nobody.
cpSync(join(root, 'package-lock.json'), join(folder, 'package-lock.json'));
npm('install', '--package-lock-only', '--offline', '--omit=dev');
npm('ci', '--omit=dev', '--prefer-offline');

/** Folders of a workspace and of those that it is made of. */
function closureOf(name: string): string[] {
  const folders = new Map(
    globSync('{apps,libs}/*/package.json', { cwd: root }).map((file) => [
      readJson(file).name,
      file.replace('/package.json', ''),
    ]),
  );
  const found = new Set<string>();
  const add = (each: string) => {
    const path = folders.get(each);
    if (path === undefined) throw new Error(`There is no ${each}.`);
    if (found.has(path)) return;
    found.add(path);
    for (const dependency of Object.keys(readJson(`${path}/package.json`).dependencies ?? {})) add(dependency);
  };
  add(name);
  return [...found].toSorted();
}

/** What Node runs, without types and tests. */
function copyWorkspace(path: string): void {
  if (!existsSync(join(root, path, 'dist'))) throw new Error(`${path} is not built: npx nx run-many -t build`);
  mkdirSync(join(folder, path), { recursive: true });
  cpSync(join(root, path, 'dist'), join(folder, path, 'dist'), {
    recursive: true,
    filter: (file) => !/\.(d\.ts|tsbuildinfo)$/.test(file),
  });
  const { devDependencies: _, ...json } = readJson(`${path}/package.json`);
  writeJson(`${path}/package.json`, json);
}

/**
 * Packages whose names are in the code. Not those of nx's graph, which follows imports: a package whose files are served is
 * found by its name only.
 */
function namedPackages(paths: string[]): Record<string, string> {
  const code = globSync(
    paths.map((path) => `${path}/dist/**/*.js`),
    { cwd: root },
  )
    .map((file) => readFileSync(join(root, file), 'utf8'))
    .join('\n');
  const { dependencies = {} } = readJson('package.json');
  return Object.fromEntries(
    Object.entries(dependencies).filter(([name]) => [`'${name}'`, `'${name}/`].some((text) => code.includes(text))),
  );
}

function npm(...args: string[]): void {
  execFileSync('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

function readJson(file: string): PackageJson {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as PackageJson;
}

function writeJson(file: string, content: object): void {
  writeFileSync(join(folder, file), `${JSON.stringify(content, null, 2)}\n`);
}
