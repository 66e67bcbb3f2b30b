import { builtinEnvironments, type Environment } from 'vitest/runtime';

const { node } = builtinEnvironments;

/** What `sharedByFiles` of @rapport/testing adds to. */
const worker = globalThis as typeof globalThis & { rapportEndings?: (() => Promise<void>)[] };

/** Node's, in which test files may share what is started once. A worker tears it down after its last file. */
const environment: Environment = {
  ...node,
  name: 'node with what files share',
  setup: async (global, options) => {
    const inner = await node.setup(global, options);
    const endings: (() => Promise<void>)[] = [];
    worker.rapportEndings = endings;
    return {
      teardown: async () => {
        for (const end of endings.reverse()) await end();
        await inner.teardown(global);
      },
    };
  },
};

export default environment;
