import { OpenTickets } from '@rapport/contracts/rapport/support/v1/sla_actions_service';
import { SlaClock, SlaMetric, SlaPolicy, SlaTarget } from '@rapport/contracts/rapport/support/v1/sla_policy';
import { TicketReportGroup } from '@rapport/contracts/rapport/support/v1/ticket_reports_service';
import { expect, test } from 'vitest';
import { newCalendar } from './new-calendar.js';
import { sharedCustomers } from './running-customers.js';
import { SupportTenant } from './support-tenant.js';
import { TicketTenant } from './ticket-tenant.js';

const service = await sharedCustomers();

async function activatePolicy({ caller }: TicketTenant): Promise<void> {
  const { id: calendarId } = await service.call('createCalendar', { calendar: newCalendar() }, caller);
  const metric = SlaMetric.FIRST_RESPONSE;
  const target = { ...SlaTarget.decode(new Uint8Array()), metric, withinSeconds: 3_600, clock: SlaClock.WALL };
  const content = { key: 'all', name: 'All', calendarId, targets: [target] };
  const slaPolicy = { ...SlaPolicy.decode(new Uint8Array()), ...content };
  const { id } = await service.call('createSlaPolicy', { slaPolicy }, caller);
  await service.call('activateSlaPolicy', { id, activation: { openTickets: OpenTickets.KEEP } }, caller);
}

test('a report has the times of answered and solved tickets by queue, without merged ones and spam', async () => {
  const tenant = new TicketTenant(service);
  await activatePolicy(tenant);
  const queue = await new SupportTenant(service, tenant.caller).createQueue('billing');
  const customerId = await tenant.createRequester();
  const queued = () => tenant.createTicket(customerId, { queueId: queue.id });
  const [first, second, merged, spam] = [await queued(), await queued(), await queued(), await queued()];
  await tenant.createTicket(customerId);
  await tenant.reply(first.id);
  await service.call('solveTicket', { id: first.id }, tenant.caller);
  await service.call('mergeTicket', { id: merged.id, merge: { intoId: second.id } }, tenant.caller);
  await service.call('markTicketSpam', { id: spam.id }, tenant.caller);
  // The answer took an hour and a half.
  const superuser = await service.connectAsSuperuser();
  await superuser.query("update ticket set create_time = create_time - interval '90 minutes' where id = $1", [
    first.id,
  ]);
  await superuser.end();

  const report = await service.call('getTicketReport', { groupBy: TicketReportGroup.QUEUE }, tenant.caller);
  expect(report.total).toMatchObject({ ticketCount: 3, answeredCount: 1, solvedCount: 1, reopenedCount: 0 });
  expect(report.rows.map(({ key, ticketCount }) => [key, ticketCount])).toEqual([
    [queue.id, 2],
    [undefined, 1],
  ]);
  const [{ firstResponse, resolution, metrics } = report.total!] = report.rows;
  for (const times of [firstResponse!, resolution!]) {
    // Times of the report, from the moved creation: nothing is measured.
    expect(times.medianSeconds).toBeGreaterThanOrEqual(5_400);
    // As above.
    expect(times.p90Seconds).toBeLessThan(5_500);
  }
  expect(metrics).toMatchObject([{ metric: SlaMetric.FIRST_RESPONSE, timerCount: 1, keptCount: 1 }]);
  // Since the timer began with the ticket, in business time.
  expect(metrics[0]!.consumed!.p90Seconds).toBeLessThan(60);

  const months = await service.call('getTicketReport', { groupBy: TicketReportGroup.MONTH }, tenant.caller);
  expect(months.rows.map(({ key }) => key)).toContain(`${second.createTime!.slice(0, 7)}-01`);
  const range = { startTime: '2026-01-02T00:00:00Z', endTime: '2026-01-01T00:00:00Z' };
  await expect(service.call('getTicketReport', range, tenant.caller)).rejects.toMatchObject({
    violations: [{ field: 'endTime', reason: 'END_BEFORE_START' }],
  });
});
