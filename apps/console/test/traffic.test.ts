import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { faultsOf, Workspace } from './workspace.ts';

let workspace: Workspace;
let other: Workspace;

beforeAll(async () => {
  [workspace, other] = await Promise.all([Workspace.create(), Workspace.create()]);
});

afterAll(() => Promise.all([workspace.close(), other.close()]));

describe('the traffic of a workspace', () => {
  test('counts what its clients sent, and shows none of it to another workspace', async () => {
    const { id } = await workspace.api('POST', '/v1/customers', { kind: 'COMPANY', displayName: 'Nordlys Energi' });
    const [page, theirs] = await Promise.all([workspace.open('/traffic'), other.open('/traffic')]);
    const faults = faultsOf(page);
    await Promise.all([page, theirs].map((each) => each.getByText('Live, a frame each second').waitFor()));
    await Promise.all([page, theirs].map((each) => each.getByText('Requests a second').first().waitFor()));

    const grant = { displayName: 'Load', permissions: ['customers.read'] };
    const { key } = await workspace.api('POST', '/v1/apiKeys', grant);
    // The other edge counts for a watcher of this one within two seconds.
    const listed = page.getByRole('row', { name: /^ListCustomers / });
    const isCounted = async () => {
      await fetch(`${workspace.platform.edgeUrls[1] ?? ''}/v1/customers`, {
        headers: { authorization: `Bearer ${String(key)}` },
      }).then((response) => response.text());
      return listed.count();
    };
    await expect.poll(isCounted, { timeout: 20_000 }).toBe(1);
    const latencies: number[] = [];
    for (let sent = 0; sent < 200; sent += 1) {
      const begin = performance.now();
      const url = `${workspace.platform.edgeUrls[sent % 2] ?? ''}/v1/customers/${String(id)}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${String(key)}` } });
      await response.text();
      expect(response.status).toBe(200);
      latencies.push(performance.now() - begin);
    }

    const row = page.getByRole('row', { name: /^GetCustomer / });
    await row.waitFor();
    // A request is in a frame at most two seconds after its answer.
    const shown = () => row.getByRole('cell').first().getAttribute('title');
    await expect.poll(shown, { timeout: 20_000 }).toBe('of 200 requests');
    const cells = await row.getByRole('cell').allInnerTexts();
    const p95 = latencies.toSorted((one, another) => one - another)[189] ?? 0;
    // The client also measures its own part of the way.
    expect(Number(cells[3])).toBeLessThanOrEqual(p95 * 1.5);
    expect(Number.parseFloat(cells.at(-1) ?? '')).toBeGreaterThan(90);
    expect(await theirs.getByRole('row', { name: /^GetCustomer / }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('goes on by itself after the stream was broken, and stands still while it is paused', async () => {
    const page = await workspace.open('/traffic');
    await page.getByText('Live, a frame each second').waitFor();
    await page.keyboard.press('p');
    await page.getByText('Paused').waitFor();
    await page.keyboard.press('p');
    await page.getByText('Live, a frame each second').waitFor();
    await page.route('**/v1/traffic:watch', (route) => route.abort());
    await page.reload();
    await page.getByText('Connection lost').waitFor();
    await page.unroute('**/v1/traffic:watch');
    await page.getByText('Live, a frame each second').waitFor();
  });
});
