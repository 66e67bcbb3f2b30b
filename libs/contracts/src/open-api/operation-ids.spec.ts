import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { platformContract } from '../descriptors/platform-contract.js';
import { restRoutes } from '../rest/rest-routes.js';
import { openApiDocument } from './open-api.js';
import { isOfferedToAgents } from './operation-facts.js';

const contract = platformContract();
const routes = restRoutes(contract);
const { paths } = openApiDocument(contract, routes, '1.0.0') as {
  paths: Record<string, Record<string, { operationId: string }>>;
};
const operationIds = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));

it('keeps the ids of operations, which are the names of functions in generated clients', () => {
  const stored = lines('operation-ids.txt');
  const missing = stored.filter((id) => !operationIds.includes(id));
  const added = operationIds.filter((id) => !stored.includes(id));

  expect(missing, 'An operation id never changes: give the method its old name, or deprecate it first.').toEqual([]);
  expect(added, 'New operations: add these lines to libs/contracts/src/open-api/operation-ids.txt, sorted.').toEqual(
    [],
  );
  expect(stored).toEqual(stored.toSorted());
  expect(new Set(operationIds).size).toBe(operationIds.length);
});

it('offers to AI agents what was reviewed', () => {
  const offered = routes.filter((route) => isOfferedToAgents(contract, route)).map(({ method }) => method.name);
  const advice =
    'Review each operation that is new here: may a program that was talked into it do it for the user? If so, change ' +
    'libs/contracts/src/open-api/agent-operations.txt, sorted. If not, set `agents: AGENTS_NEVER` in its policy.';
  expect(offered.toSorted(), advice).toEqual(lines('agent-operations.txt'));
});

function lines(file: string): string[] {
  return readFileSync(join(import.meta.dirname, file), 'utf8')
    .split('\n')
    .filter(Boolean);
}
