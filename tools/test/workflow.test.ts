import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

interface Workflow {
  permissions: Record<string, string>;
  jobs: Record<string, { permissions?: unknown; container?: string; steps: { uses?: string; run?: string }[] }>;
}

interface Project {
  name: string;
  targets?: Record<string, { executor?: string; options?: { command?: string } }>;
}

const root = join(import.meta.dirname, '../..');
const text = readWorkflow('ci');
const { permissions, jobs } = parse(text) as Workflow;
const steps = Object.values(jobs).flatMap((job) => job.steps);
const commands = steps.map(({ run }) => run ?? '').join('\n');
const projects = globSync(['*/project.json', '{apps,libs}/*/project.json'], { cwd: root }).map(readJson<Project>);

test('every target that the workflow runs is there', () => {
  const targets = new Set(projects.flatMap(({ targets: own = {} }) => Object.keys(own)));
  const affected = [...commands.matchAll(/nx affected -t ([\w ]+)/g)].flatMap(([, names = '']) =>
    names.trim().split(' '),
  );
  const named = [...commands.matchAll(/nx run ([\w-]+):([\w-]+)/g)];

  expect(affected).toEqual(expect.arrayContaining(['lint', 'test', 'build', 'breaking', 'validate', 'image']));
  expect(affected.filter((name) => !targets.has(name))).toEqual([]);
  expect(named.map(([, project, target]) => [project, target])).toContainEqual(['edge', 'load']);
  for (const [, name, target = ''] of named)
    expect(projects.find((project) => project.name === name)?.targets).toHaveProperty(target);
});

test('every file and script that the workflow names is there', () => {
  const scripts = readJson<{ scripts: Record<string, string> }>('package.json').scripts;
  const files = [...commands.matchAll(/\b(?:tools|load-tests)\/[\w/.-]+\.ts/g)].map(([file]) => file);
  const run = [...commands.matchAll(/npm (start|test|run [\w-]+)/g)].map(([, name = '']) => name.replace('run ', ''));

  expect(files.length).toBeGreaterThan(1);
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  expect(run.filter((name) => scripts[name] === undefined)).toEqual([]);
});

test('the workflow may read, and uses images of one version only', () => {
  const images = [...text.matchAll(/\b(?:node|grafana\/k6):\S+/g)].map(([image]) => image);

  expect(permissions).toEqual({ contents: 'read' });
  expect(Object.values(jobs).flatMap((job) => job.permissions ?? [])).toEqual([]);
  expect(images.filter((image) => !/:\d+\.\d+\.\d+/.test(image))).toEqual([]);
});

test.each(['ci', 'release'])('%s.yaml uses actions of one version only', (name) => {
  const uses = [...readWorkflow(name).matchAll(/uses: (\S+)(.*)/g)];
  expect(uses.length).toBeGreaterThan(1);
  for (const [, action, comment] of uses) {
    expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
    expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/);
  }
});

test('a release pushes an image of every app, with provenance, and names no registry', () => {
  const release = readWorkflow('release');
  const { permissions: all, jobs: ofRelease } = parse(release) as Workflow;
  const [push = ''] = Object.values(ofRelease)
    .flatMap((job) => job.steps)
    .flatMap(({ run = '' }) => (run.includes('docker buildx build') ? [run] : []));
  const apps = projects.filter(({ targets = {} }) => 'image' in targets).map(({ name }) => name);

  expect(all).toEqual({ contents: 'read' });
  expect(/for app in ([\w ]+);/.exec(push)?.[1]?.split(' ')).toEqual(apps.sort());
  expect(push).toContain('--provenance=mode=max --sbom=true --push -t "$REGISTRY/$app:$VERSION"');
  expect(release).toContain('REGISTRY: ${{ vars.IMAGE_REGISTRY }}');
  expect(release).toMatch(/npm sbom .+\n/);
});

test('every app that runs has an image, a manifest and a place in compose.yaml', () => {
  const apps = globSync('apps/*/src/main.ts', { cwd: root }).map((file) => file.split('/')[1] ?? '');
  const { services } = parse(readFileSync(join(root, 'compose.yaml'), 'utf8'), { merge: true }) as {
    services: Record<string, { build?: { args?: { APP: string } } }>;
  };

  expect(apps.length).toBeGreaterThan(2);
  for (const app of apps) {
    expect(projects.find(({ name }) => name === app)?.targets, app).toHaveProperty('image');
    expect(existsSync(join(root, 'k8s/base', `${app}.yaml`)), app).toBe(true);
    expect(services[app]?.build?.args?.APP, app).toBe(app);
  }
});

function readWorkflow(name: string): string {
  return readFileSync(join(root, `.github/workflows/${name}.yaml`), 'utf8');
}

function readJson<Shape>(file: string): Shape {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as Shape;
}
