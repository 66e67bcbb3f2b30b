import { join, resolve } from 'node:path';
import vm from 'node:vm';
import { build } from 'vite';
import { checkOptions } from './check-options.ts';
import { k6Modules, type CheckResult } from './modules.ts';

/** A script after its init stage. */
export interface LoadedScript {
  options: unknown;
  /** The result of `setup` is passed to iterations as JSON, as in k6. */
  setup(): unknown;
  /** One iteration. @returns its checks */
  iterate(data: unknown): CheckResult[];
}

export interface ScriptSettings {
  /** `__ENV`. */
  env?: Record<string, string>;
  /** `Math.random`, so that a test chooses the branches of a scenario. */
  random?: () => number;
}

const root = join(import.meta.dirname, '../..');

/**
 * Runs the init stage of a script in a context with ECMAScript and k6's modules, and nothing of Node: any other global,
 * module, option or parameter is an error.
 */
export async function runScript(entry: string, settings: ScriptSettings = {}): Promise<LoadedScript> {
  const stage = { isInit: true, results: [] as CheckResult[] };
  const { modules, open } = k6Modules(stage, root);
  const exported: Record<string, unknown> = {};
  const context = vm.createContext({
    __ENV: settings.env ?? {},
    __VU: 0,
    open,
    module: { exports: exported },
    exports: exported,
    require(name: string): unknown {
      const found = modules[name];
      if (!found) throw new Error(`k6 has no module ${name}.`);
      return found;
    },
  });
  const install = vm.runInContext('(random) => { if (random) Math.random = random; }', context) as (
    random?: () => number,
  ) => void;
  install(settings.random);
  vm.runInContext(await bundle(resolve(root, entry)), context, { filename: entry });

  const script = exported as { options?: unknown; setup?: () => unknown; default?: (data: unknown) => void };
  checkOptions(script.options ?? {});
  stage.isInit = false;
  let iteration = 0;
  return {
    options: script.options,
    setup: () => JSON.parse(JSON.stringify(script.setup?.() ?? null)) as unknown,
    iterate(data) {
      if (!script.default) throw new Error('The script has no default function.');
      stage.results = [];
      Object.assign(context, { __VU: 1, __ITER: iteration });
      iteration += 1;
      script.default(data);
      return stage.results;
    },
  };
}

/** The code of scripts, which each test runs anew, by their entries. */
const bundles = new Map<string, Promise<string>>();

function bundle(entry: string): Promise<string> {
  const made = bundles.get(entry) ?? buildScript(entry);
  bundles.set(entry, made);
  return made;
}

async function buildScript(entry: string): Promise<string> {
  const made = await build({
    configFile: false,
    root,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      target: 'es2023',
      lib: { entry, formats: ['cjs'], fileName: 'script' },
      rolldownOptions: { external: /^k6|^node:/ },
    },
  });
  const [output] = Array.isArray(made) ? made : [made];
  if (!output || !('output' in output)) throw new Error(`${entry} gave no code.`);
  return output.output[0].code;
}
