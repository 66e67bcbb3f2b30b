import { check, sleep } from 'k6';
import { variable } from '../variables.ts';
import { Api } from './api.ts';
import type { Scenario } from './scenario.ts';

interface Operation {
  id: string;
  state: string;
}

/** Time between two polls of an operation, and after an export, in seconds. */
const [pollSeconds, lookSeconds] = [0.5, 5];

/** Most polls of an operation. */
const maxLooks = 600;

/** A user who exports the whole workspace. It has one export at a time. */
export function workspace(baseUrl: string): Scenario {
  const api = new Api(baseUrl, variable('API_KEY'));
  return {
    protocol: 'http',
    operations: ['ExportWorkspace', 'GetOperation'],
    setup: () => null,
    run() {
      const { status, body } = api.send<Operation>('POST', 'ExportWorkspace', '/v1/workspace:export', '');
      check(status, { 'an export is started, or one is running': (each) => each === 202 || each === 409 });
      if (body) check(stateAtEnd(api, body.id), { 'an export succeeds': (state) => state === 'SUCCEEDED' });
      sleep(lookSeconds);
    },
  };
}

function stateAtEnd(api: Api, id: string): string | undefined {
  for (let looks = 0; looks < maxLooks; looks += 1) {
    const state = api.get<Operation>('GetOperation', `/v1/operations/${id}`).body?.state;
    if (state !== 'RUNNING') return state;
    sleep(pollSeconds);
  }
  return undefined;
}
