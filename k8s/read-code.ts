import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A process as its source code describes it. */
export interface Process {
  /** The script, such as `apps/auth/dist/main.js`. */
  script: string;
  /** Names of all the variables that it reads. */
  variables: string[];
  /** Paths of its probes: none for a Job. */
  probePaths: string[];
}

export interface Code {
  processes: Process[];
  /** Longest time from SIGTERM to the end of a process, in seconds. */
  stopTimeoutSeconds: number;
  /** Most connections of one service process to its database. */
  poolConnections: number;
}

const root = join(import.meta.dirname, '..');

/**
 * Reads the processes from the sources of the apps, not from the builds, so that the manifests depend on few files for `nx
 * affected` (project.json).
 *
 * @throws Error when the source is not written as expected
 */
export function readCode(): Code {
  const configurations = globSync('apps/*/src/{,serve/}configuration.ts', { cwd: root });
  const stopTimeoutMs = match('libs/platform/src/run-until-stopped.ts', /stopTimeoutMs = ([\d_]+);/);
  return {
    processes: [readEdge(configurations.map(nameOf)), ...configurations.flatMap(readService)],
    stopTimeoutSeconds: Number(stopTimeoutMs.replaceAll('_', '')) / 1_000,
    poolConnections: Number(match('libs/persistence/src/create-orm.ts', /pool: \{ min: \d+, max: (\d+) \}/)),
  };
}

/** The edge reads the address of each service besides its own variables. */
function readEdge(services: string[]): Process {
  const config = 'apps/edge/src/config.ts';
  const suffix = match(config, /\$\{area\.toUpperCase\(\)\}(_[A-Z]+)`/);
  const own = keys(match(config, /ownVariables = \{\n([^]*?)\n\};/));
  return {
    script: scriptOf('apps/edge/src/main.ts'),
    variables: [...own, ...services.map((service) => service.toUpperCase() + suffix)],
    probePaths: readProbePaths('apps/edge/src/create-edge.ts'),
  };
}

function nameOf(configuration: string): string {
  return configuration.split('/')[1] ?? '';
}

function readService(configuration: string): Process[] {
  const name = nameOf(configuration);
  const variables = (group: string): string[] => {
    const body = match(configuration, new RegExp(`${group} = \\{\\n([^]*?)\\n\\}`));
    const others = [...body.matchAll(/^ +\.\.\.(\w+),$/gm)].flatMap(([, name = '']) => variables(name));
    return [...keys(body), ...others];
  };
  const probePaths = readProbePaths('libs/platform/src/http/health-server.ts');
  return [
    { script: scriptOf(`apps/${name}/src/main.ts`), variables: variables('serviceVariables'), probePaths },
    { script: scriptOf(`apps/${name}/src/migrate.ts`), variables: variables('migrationVariables'), probePaths: [] },
  ];
}

function scriptOf(source: string): string {
  read(source);
  return source.replace('/src/', '/dist/').replace('.ts', '.js');
}

function readProbePaths(file: string): string[] {
  return [...new Set([...read(file).matchAll(/'(\/[a-z]+z)'/g)].map(([, path = '']) => path))];
}

function keys(objectBody: string): string[] {
  return [...objectBody.matchAll(/^ +([A-Z][A-Z0-9_]*):/gm)].map(([, key = '']) => key);
}

function match(file: string, pattern: RegExp): string {
  const text = pattern.exec(read(file))?.[1];
  if (text === undefined) throw new Error(`${file} has nothing like ${pattern.source}`);
  return text;
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
