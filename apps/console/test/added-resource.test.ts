import { platformContract } from '@rapport/contracts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ContractFile } from '../src/contract/contract.ts';
import { contractFile } from '../tools/contract-facts.ts';
import { faultsOf, goTo, Workspace } from './workspace.ts';

const trip = {
  id: '019ab2f4-6c1e-7c3a-9d52-0c7e8b1f4a11',
  title: 'Calibration in hall 3',
  etag: '"1"',
  createTime: '2026-11-28T10:00:00.000Z',
  updateTime: '2026-11-28T10:00:00.000Z',
};

let workspace: Workspace;
let page: Page;
let faults: string[];

/** The contract of the platform with one more type of records, of which the console has no code: trips are declared as deals are. */
function contractWithTrips(): ContractFile {
  const { operations, resources, messages, enums, ...others } = contractFile(platformContract());
  const asTrip = <Facts>(facts: Facts): Facts =>
    JSON.parse(JSON.stringify(facts).replaceAll('Deal', 'Trip').replaceAll('deal', 'trip')) as Facts;
  const isOfDeals = ({ name }: { name: string }) => name === 'deals' || name.startsWith('deals/');
  const own = operations.filter(({ path }) => path.startsWith('/v1/deals')).map(asTrip);
  return {
    operations: [
      ...operations,
      ...own.map((operation) => ({ ...operation, permission: operation.permission.replace('trips', 'deals') })),
    ],
    resources: [...resources, ...resources.filter(isOfDeals).map(asTrip)],
    messages: { ...asTrip(messages), ...messages },
    enums: { ...asTrip(enums), ...enums },
    ...others,
  };
}

beforeAll(async () => {
  workspace = await Workspace.create();
  page = await workspace.open('/');
  faults = faultsOf(page);
  const contract = JSON.stringify(contractWithTrips());
  await page.route(/\/assets\/contract-[^/]*\.json$/, (route) =>
    route.fulfill({ contentType: 'application/json', body: contract }),
  );
  await page.route(/\/v1\/trips/, (route) => {
    const { pathname } = new URL(route.request().url());
    return route.fulfill({ contentType: 'application/json', body: JSON.stringify(answerOf(pathname)) });
  });
});

afterAll(() => workspace.close());

function answerOf(path: string): object {
  if (path === '/v1/trips') return { trips: [trip] };
  if (path.endsWith(':aggregate')) return { groups: [], total: { count: 1 } };
  return path.endsWith('/history') ? { changes: [] } : trip;
}

test('a type that only the contract knows has a list, a record, a form and its operations', async () => {
  const { edgeUrl } = workspace.platform;
  await page.goto(`${edgeUrl}/trips`);
  await page.getByRole('heading', { name: 'Trips' }).waitFor();
  await page.getByText(trip.title).first().waitFor();

  await goTo(page, `/trips/${trip.id}`);
  await page.getByText(trip.title).first().waitFor();

  await goTo(page, '/trips/new');
  await page.getByRole('textbox').first().fill('Another one');

  await goTo(page, '/operations');
  await page.getByText('/v1/trips/{id}:undelete').first().waitFor();
  // The server does not know trips: it refuses to search for what belongs to one.
  expect(faults.filter((fault) => !fault.includes('status of 400'))).toEqual([]);
});
