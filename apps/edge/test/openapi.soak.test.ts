import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { asOpenApi30, openApiDocument, platformContract, restRoutes, type Contract } from '@rapport/contracts';
import { isSoak, soakTimeoutMs } from '@rapport/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateSampleContract } from './generate-sample-contract.ts';

const run = promisify(execFile);
const redocly = join(import.meta.dirname, '../../../node_modules/.bin/redocly');
/** Installed into a folder of its own: its 211 packages are for the long form only. */
const spectral = '@stoplight/spectral-cli@6.16.3';
const linters = { redocly: redoclyRefuses, ...(isSoak && { spectral: spectralRefuses }) };

let folder: string;
/** For each linter, the documents in which it finds an error or a warning. */
let refused: Record<string, string[]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rapport-openapi-'));
  await writeFile(join(folder, '.spectral.yaml'), 'extends: ["spectral:oas"]\n');
  const platform = openApi(platformContract());
  const sample = openApi((await generateSampleContract()).contract);
  const broken = structuredClone(sample) as { paths: Record<string, { get?: { parameters?: unknown } }> };
  const [path = ''] = Object.keys(broken.paths).filter((each) => each.endsWith('}') && broken.paths[each]?.get);
  delete broken.paths[path]?.get?.parameters;
  const documents = {
    ...{ platform, sample, broken },
    ...{ 'platform-3.0': asOpenApi30(platform), 'sample-3.0': asOpenApi30(sample), 'broken-3.0': asOpenApi30(broken) },
  };
  const files = Object.entries(documents).map(([name, document]) => save(`${name}.json`, document));
  const saved = await Promise.all(files);
  const findings = Object.entries(linters).map(async ([name, lint]) => [name, await lint(saved)] as const);
  refused = Object.fromEntries(await Promise.all(findings));
}, soakTimeoutMs);

afterAll(async () => rm(folder, { recursive: true }));

const versions = ['', '-3.0'];

describe.each(Object.keys(linters).flatMap((linter) => versions.map((version) => ({ linter, version }))))(
  'the OpenAPI document$version under $linter',
  ({ linter, version }) => {
    it('has no error and no warning', () => {
      expect(refused[linter]).not.toContain(`platform${version}.json`);
    });

    it('has none for a contract with streams, free-form objects and read masks either', () => {
      expect(refused[linter]).not.toContain(`sample${version}.json`);
    });

    it('would be refused with a path parameter missing', () => {
      expect(refused[linter]).toContain(`broken${version}.json`);
    });
  },
);

/** All documents in one run: its start takes longer than most of them. */
async function redoclyRefuses(files: string[]): Promise<string[]> {
  // It reports each run to its vendor, unless this is switched off.
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const flags = ['--extends', 'recommended-strict', '--format', 'json'];
  const options = { cwd: folder, env, maxBuffer: 1 << 24 };
  const { stdout } = await run(redocly, ['lint', ...files, ...flags], options).catch(
    (failure: { stdout: string }) => failure,
  );
  // The reports follow each other, and each finding names its document.
  expect(stdout.match(/^ {2}"totals"/gm)).toHaveLength(files.length);
  return files.filter((file) => stdout.includes(`"ref": "${file}"`));
}

interface Finding {
  code: string;
  path: string[];
  source: string;
}

/**
 * Whether Spectral misses a scope of OpenID Connect. It looks for it among `flows`, which OpenAPI has for OAuth 2.0 only: the scopes of
 * OpenID Connect are where the URL of its scheme leads.
 */
function isScope({ code, path }: Finding): boolean {
  return code === 'oas3-operation-security-defined' && path.at(-2) === 'openIdConnect';
}

/** All documents in one run: its start takes longer than its work. */
async function spectralRefuses(files: string[]): Promise<string[]> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  await run('npm', ['install', spectral, '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  const flags = ['--fail-severity', 'warn', '--format', 'json', '--quiet'];
  const findings = await run(join(folder, 'node_modules/.bin/spectral'), ['lint', ...files, ...flags], {
    cwd: folder,
    maxBuffer: 1 << 24,
  }).then(
    () => '[]',
    ({ stdout }: { stdout: string }) => stdout,
  );
  return (JSON.parse(findings) as Finding[]).filter((each) => !isScope(each)).map(({ source }) => basename(source));
}

function openApi(contract: Contract): Record<string, unknown> {
  return openApiDocument(contract, restRoutes(contract), '1.0.0');
}

async function save(name: string, content: unknown): Promise<string> {
  await writeFile(join(folder, name), JSON.stringify(content));
  return name;
}
