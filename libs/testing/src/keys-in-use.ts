import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { childEnvironment } from './platform/child-environment.js';
import { nodeProgram } from './platform/node-program.js';
import { apps, type Environment, type ServiceName } from './platform/prepare-service.js';

/** What the command `keys-in-use` of a service has said. */
export interface KeysInUse {
  exitCode: number | null;
  /** By the variable of a secret and the state of a key: how much is stored under it, by kind. */
  uses: Record<string, Record<string, Record<string, number>>>;
}

/** Runs the built command `keys-in-use` of a service. @param env its configuration */
export function keysInUse(service: ServiceName, env: Environment): Promise<KeysInUse> {
  const command = join(apps, service, 'dist/keys-in-use.js');
  return new Promise((resolve) => {
    const child = execFile(nodeProgram(), [command], { env: childEnvironment(env) }, (_error, stdout) => {
      const uses: KeysInUse['uses'] = {};
      for (const line of stdout.split('\n').filter(Boolean)) {
        const { variable, state, uses: stored } = JSON.parse(line) as KeyLine;
        (uses[variable] ??= {})[state] = stored;
      }
      resolve({ exitCode: child.exitCode, uses });
    });
  });
}

interface KeyLine {
  variable: string;
  state: string;
  uses: Record<string, number>;
}
