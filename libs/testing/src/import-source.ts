import { runnerImport } from 'vite';

/**
 * Imports TypeScript sources of an app, which Node can't run directly: they have decorators. For benches and seeds, which
 * measure or use a part of an app. Each call makes new instances: import everything that belongs together from one file.
 */
export async function importSource<Module>(file: string): Promise<Module> {
  const { module } = await runnerImport<Module>(file, {
    configFile: false,
    logLevel: 'error',
    // Packages and libraries are shared with the script, not instantiated again.
    environments: { inline: { resolve: { external: true } } },
  });
  return module;
}
