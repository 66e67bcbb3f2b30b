import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Contract, platformContract, openApiDocument, restRoutes } from '@rapport/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateSampleContract } from './generate-sample-contract.ts';

const run = promisify(execFile);
const bin = join(import.meta.dirname, '../../../node_modules/.bin');
const document = openApi(platformContract());
let sample: Record<string, unknown>;
let folder: string;

beforeAll(async () => {
  sample = openApi((await generateSampleContract()).contract);
  folder = await mkdtemp(join(tmpdir(), 'rapport-openapi-'));
  await writeFile(join(folder, '.spectral.yaml'), 'extends: ["spectral:oas"]\n');
});

afterAll(async () => rm(folder, { recursive: true }));

/** One linter on one document; rejects with its findings when it finds an error. */
const linters: Record<string, (file: string) => Promise<unknown>> = {
  redocly: async (file) =>
    run(join(bin, 'redocly'), ['lint', file, '--extends', 'recommended-strict'], { cwd: folder }),
  spectral: async (file) => run(join(bin, 'spectral'), ['lint', file, '--fail-severity', 'warn'], { cwd: folder }),
};

describe.each(Object.entries(linters))('the OpenAPI document under %s', (_name, lint) => {
  it('has no error and no warning', async () => {
    await expect(lint(await save(document))).resolves.toBeDefined();
  });

  it('has none either for a contract with streams, objects of any shape and read masks', async () => {
    await expect(lint(await save(sample))).resolves.toBeDefined();
  });

  it('would be refused with a path parameter missing', async () => {
    const broken = JSON.parse(JSON.stringify(document)) as { paths: Record<string, { get: { parameters?: unknown } }> };
    delete broken.paths['/v1/customers/{id}']?.get.parameters;
    await expect(lint(await save(broken))).rejects.toThrow();
  });
});

function openApi(contract: Contract): Record<string, unknown> {
  return openApiDocument(contract, restRoutes(contract), '1.0.0');
}

async function save(content: unknown): Promise<string> {
  const file = join(folder, `${crypto.randomUUID()}.json`);
  await writeFile(file, JSON.stringify(content));
  return file;
}
