import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { Contract } from '@rapport/contracts';

const workspace = join(import.meta.dirname, '../../..');
const bin = join(workspace, 'node_modules/.bin');
const google = 'node_modules/google-proto-files';

/** The platform's modules and the test's proto in one workspace. */
const bufConfig = JSON.stringify({
  version: 'v2',
  modules: [
    { path: 'proto' },
    { path: 'apps/edge/test/proto' },
    {
      path: google,
      includes: [`${google}/google/api`],
      excludes: ['apikeys', 'cloudquotas', 'expr', 'servicecontrol', 'servicemanagement', 'serviceusage'].map(
        (folder) => `${google}/google/api/${folder}`,
      ),
    },
  ],
});
const environment = { ...process.env, PATH: `${bin}:${process.env['PATH']}` };

/** Does with the test's protos what `nx run contracts:generate` does with the platform's. */
export async function generateSampleContract(): Promise<{
  contract: Contract;
  service: ServiceDefinition;
  minerals: ServiceDefinition;
  ores: ServiceDefinition;
}> {
  const paths = ['--path', 'apps/edge/test/proto/rapport', '--config', bufConfig];
  // One for each test file: they run at the same time.
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
  const run = (args: string[]) =>
    execFileSync('buf', args, { cwd: workspace, env: environment, maxBuffer: 64 * 1024 * 1024 });
  run(['generate', '--template', template, ...paths]);
  const contract = new Contract(run(['build', '-o', '-#format=binpb', ...paths]));
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
  await rm(join(workspace, output), { recursive: true });
  return { contract, service, minerals, ores };
}
