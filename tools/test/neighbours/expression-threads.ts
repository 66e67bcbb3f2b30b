import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Neighbour } from './neighbour.ts';
import type { SharedResource } from './shared-resource.ts';

/** The shared threads for expressions of mappings. */
export const expressionThreads: SharedResource = {
  name: 'threads of JSONata',
  hold: holdThreads,
  use: (calm, round) => calm.create(`Beside ${round}`),
};

/** Runs exchanges with an endless expression. Its mapping is stopped for it, and a new one is created. */
async function holdThreads(hostile: Neighbour): Promise<() => Promise<unknown>> {
  const folder = join(hostile.platform.filesDir, hostile.tenantId);
  await mkdir(folder, { recursive: true });
  const lines = Array.from({ length: 300 }, (_, index) => `${index},Person ${index}\n`);
  await writeFile(join(folder, 'people.csv'), `id,name\n${lines.join('')}`);
  const connection = await hostile.json<{ id: string }>('POST', '/v1/connections', {
    connector: 'file',
    displayName: 'People',
    settings: { file: 'people.csv', format: 'CSV', idField: 'id' },
  });
  const mapping = {
    connectionId: connection.id,
    customerKind: 'PERSON',
    recordType: 'record',
    direction: 'TO_CUSTOMERS',
    fields: [
      { customerField: 'displayName', peerField: 'name', toCustomer: '($f := function($n) { $f($n + 1) }; $f(0))' },
    ],
  };
  let isOver = false;
  const exchange = async () => {
    while (!isOver) {
      const { id } = await hostile.json<{ id: string }>('POST', '/v1/mappings', mapping);
      const isStopped = async () => {
        const { state } = await hostile.json<{ state: string }>('GET', `/v1/mappings/${id}`);
        return isOver || state === 'STOPPED';
      };
      await expect.poll(isStopped, { interval: 200 }).toBe(true);
      await hostile.send('DELETE', `/v1/mappings/${id}`);
    }
  };
  const exchanging = Promise.all([exchange(), exchange()]);
  const running = async () => {
    const { syncRuns } = await hostile.json<{ syncRuns: { state: string }[] }>('GET', '/v1/syncRuns');
    return syncRuns.some(({ state }) => state === 'RUNNING');
  };
  await expect.poll(running).toBe(true);
  return () => {
    isOver = true;
    return exchanging;
  };
}
