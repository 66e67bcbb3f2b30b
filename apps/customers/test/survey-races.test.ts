import { afterAll, beforeAll, expect, test } from 'vitest';
import { OtherWrite } from './other-write.js';
import { RunningCustomers } from './running-customers.js';
import { SurveyTenant } from './survey-tenant.js';

let services: RunningCustomers[];

// Two processes of their own: each fires the timers of a tenant one after the other.
beforeAll(async () => {
  const first = await RunningCustomers.start({ peer: 'sync' });
  services = [first, await RunningCustomers.start({ peer: 'sync', databases: first.urls })];
});
afterAll(async () => {
  for (const service of services) await service.stop();
});

test('two processes that ask a customer at once ask no more often than a survey says', async () => {
  const tenant = await SurveyTenant.create(services[0]!);
  await tenant.createSurvey({ perCustomerSeconds: 86_400 });
  const customerId = await tenant.tickets.createRequester();
  const superuser = await services[0]!.connectAsSuperuser();
  const answers = new OtherWrite(superuser);
  await superuser.query('begin');
  await superuser.query('lock table survey_response in share mode');
  await tenant.solveNew(customerId);
  await answers.untilWaiting(1);
  await tenant.solveNew(customerId);
  await answers.untilWaiting(2);
  await answers.release();
  await superuser.end();

  const timers = async () => (await tenant.service.call('listTimers', { pageSize: 100 }, tenant.caller)).timers;
  await expect.poll(timers, { timeout: 60_000 }).toEqual([]);
  expect(await tenant.responses()).toHaveLength(1);
});
