import { runnerImport } from 'vite';

/**
 * Imports TypeScript sources of an app, which Node cannot run by itself: they have decorators. For benches and seeds, which measure or
 * use a part of an app. Each call makes its own instances: import all that belongs together from one file.
 */
export async function importSource<Module>(file: string): Promise<Module> {
  const { module } = await runnerImport<Module>(file, {
    configFile: false,
    logLevel: 'error',
    // Packages and libraries are those that the script itself uses, not instances of their own.
    environments: { inline: { resolve: { external: true } } },
  });
  return module;
}
