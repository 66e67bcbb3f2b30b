// Generates src/gen from the proto files: messages and service definitions by ts-proto, a list of all services, and the
// descriptors with their options. The bindings are derived from them at start. Comments, which are four fifths of the descriptors, are in
// a file of their own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '../..');
const paths = ['proto/rapport', 'proto/google/rpc'].flatMap((path) => ['--path', path]);
const gen = join(import.meta.dirname, 'src/gen');

execFileSync('buf', ['generate', '--template', 'libs/contracts/buf.gen.yaml', ...paths], {
  cwd: workspace,
  stdio: 'inherit',
});
mkdirSync(gen, { recursive: true });
writeFileSync(
  join(gen, 'descriptors.ts'),
  `/** Every proto file of the platform and what it imports, as a google.protobuf.FileDescriptorSet. */\n` +
    `export const fileDescriptorSet: Uint8Array = Buffer.from('${buildDescriptors('--exclude-source-info').toString('base64')}', 'base64');\n`,
);
writeFileSync(join(gen, 'commented-descriptors.binpb'), buildDescriptors());

const services = readdirSync(gen, { recursive: true })
  .filter((file) => file.endsWith('.ts') && file !== 'descriptors.ts')
  // The CallsService that carries calls belongs to no area.
  .filter((file) => !file.endsWith(join('api', 'v1', 'calls_service.ts')))
  .sort()
  .flatMap((file) =>
    [...readFileSync(join(gen, file), 'utf8').matchAll(/^export const (\w+Service) = \{$/gm)].map(([, name]) => ({
      name,
      module: `./${file.replaceAll('\\', '/').replace(/\.ts$/, '.js')}`,
    })),
  );
writeFileSync(
  join(gen, 'services.ts'),
  [
    `import type { ServiceDefinition } from '@grpc/grpc-js';`,
    ...services.map(({ name, module }) => `import { ${name} } from '${module}';`),
    '',
    '/** Every service of the platform. */',
    `export const serviceDefinitions: ServiceDefinition[] = [${services.map(({ name }) => name).join(', ')}];`,
    '',
    '/** The methods of all services, by name. */',
    `export type ServiceMethods = ${services.map(({ name }) => `typeof ${name}`).join(' & ')};`,
    '',
  ].join('\n'),
);

/** A serialised google.protobuf.FileDescriptorSet. */
function buildDescriptors(...flags) {
  const options = { cwd: workspace, maxBuffer: 64 * 1024 * 1024 };
  return execFileSync('buf', ['build', '-o', '-#format=binpb', ...flags, ...paths], options);
}
