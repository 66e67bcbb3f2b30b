import { join } from 'node:path';
import ts from 'typescript';
import type { Manifest } from './manifest.ts';

interface Model {
  validate(): void;
}

/** The module of an API's models. Those of CloudNativePG are in this folder: no package has them. */
function modelModule(apiVersion: string): string {
  if (apiVersion === 'postgresql.cnpg.io/v1') return './cnpg-cluster.ts';
  return apiVersion.startsWith('monitoring.coreos.com/')
    ? `@kubernetes-models/prometheus-operator/${apiVersion}`
    : `kubernetes-models/${apiVersion}`;
}

/**
 * Finds what does not fit the schemas of Kubernetes and of the custom resources. The models check required fields, types
 * and formats; the compiler checks unknown fields, which the models accept.
 */
export async function schemaFaults(manifests: Manifest[]): Promise<string[]> {
  const sentences = await Promise.all(manifests.map(valueFaults));
  return [...sentences.flat(), ...typeFaults(manifests)];
}

async function valueFaults({ apiVersion, kind, ...rest }: Manifest): Promise<string[]> {
  const module = modelModule(apiVersion);
  if (module.startsWith('.')) return [];
  const models = (await import(module).catch(() => ({}))) as Record<string, (new (data: unknown) => Model) | undefined>;
  const Kind = models[kind];
  if (!Kind) return [`There is no schema for ${apiVersion} ${kind}`];
  try {
    new Kind({ apiVersion, kind, ...rest }).validate();
    return [];
  } catch (error) {
    return [`${kind} ${rest.metadata.name}: ${(error as Error).message}`];
  }
}

/** Each manifest as a constant of its model's type: the compiler refuses fields that the type lacks. */
function typeFaults(manifests: Manifest[]): string[] {
  const file = join(import.meta.dirname, 'manifests-as-code.ts');
  const lines = manifests.map(
    (manifest, index) =>
      `export const m${index}: import('${modelModule(manifest.apiVersion)}').I${manifest.kind} = ${JSON.stringify(manifest)};`,
  );
  const text = lines.join('\n');
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2024,
    // The models need nothing of a browser.
    lib: ['lib.es2024.d.ts'],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    types: [],
  };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => path === file || disk.fileExists(path),
    getSourceFile: (path, language, ...rest) =>
      path === file ? ts.createSourceFile(path, text, language) : disk.getSourceFile(path, language, ...rest),
  };
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText, start = 0 }) => {
    const index = text.slice(0, start).split('\n').length - 1;
    const { kind, metadata } = manifests[index] ?? { kind: 'Something', metadata: { name: 'unknown' } };
    return `${kind} ${metadata.name}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}
