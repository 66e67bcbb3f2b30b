import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { Contract } from '@rapport/contracts';

const workspace = join(import.meta.dirname, '../../..');
const bin = join(workspace, 'node_modules/.bin');

/** The platform's modules and the test's proto in one workspace. */
const bufConfig = JSON.stringify({
  version: 'v2',
  modules: [{ path: 'proto' }, { path: 'apps/edge/test/proto' }],
});
const environment = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };

interface SampleServices {
  service: ServiceDefinition;
  minerals: ServiceDefinition;
  ores: ServiceDefinition;
  pages: ServiceDefinition;
}

let generated: Promise<SampleServices & { descriptors: Buffer }> | undefined;

/** @returns a separate contract for each caller, which may change it */
export async function generateSampleContract(): Promise<SampleServices & { contract: Contract }> {
  generated ??= generate();
  const { descriptors, ...services } = await generated;
  return { ...services, contract: new Contract(descriptors) };
}

/** Generates from the test's protos, and those of the edge itself, as `nx run contracts:generate` does from the platform's: once for all test files. */
async function generate(): Promise<SampleServices & { descriptors: Buffer }> {
  const modules = ['apps/edge/test/proto/rapport', 'proto/rapport/edge'].flatMap((path) => ['--path', path]);
  const paths = [...modules, '--config', bufConfig];
  // One for each worker: they run at the same time.
  const output = `apps/edge/test-results/sample-contract-${process.pid}`;
  const template = JSON.stringify({
    version: 'v2',
    plugins: [
      {
        local: 'protoc-gen-ts_proto',
        out: output,
        include_imports: true,
        opt: [
          'outputServices=grpc-js',
          'esModuleInterop=true',
          'importSuffix=.js',
          'useDate=string',
          'removeEnumPrefix=true',
          'useOptionals=none',
          'env=node',
          'outputJsonMethods=false',
          'stringEnums=false',
        ],
      },
    ],
  });
  const run = async (...args: string[]) => {
    const options = { cwd: workspace, env: environment, maxBuffer: 64 * 1024 * 1024, encoding: 'buffer' } as const;
    return (await promisify(execFile)('buf', [...args, ...paths], options)).stdout;
  };
  const [descriptors] = await Promise.all([
    run('build', '-o', '-#format=binpb'),
    run('generate', '--template', template),
  ]);
  const generated = join(workspace, output, 'rapport/sample/v1');
  const { SampleServiceService: service } = (await import(join(generated, 'sample_service.ts'))) as {
    SampleServiceService: ServiceDefinition;
  };
  const { MineralsServiceService: minerals } = (await import(join(generated, 'minerals_service.ts'))) as {
    MineralsServiceService: ServiceDefinition;
  };
  const { OresServiceService: ores } = (await import(join(generated, 'ores_service.ts'))) as {
    OresServiceService: ServiceDefinition;
  };
  const { PagesServiceService: pages } = (await import(join(generated, 'pages_service.ts'))) as {
    PagesServiceService: ServiceDefinition;
  };
  await rm(join(workspace, output), { recursive: true });
  return { descriptors, service, minerals, ores, pages };
}
