import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { expect, test } from 'vitest';
import { QuotesTenant } from './quotes-tenant.js';
import { sharedCustomers } from './running-customers.js';

/** Instants whose day differs from that of UTC, also on days on which clocks change. */
const moments = [
  ['Pacific/Kiritimati', '2026-03-31T10:00:00.000Z'],
  ['Pacific/Pago_Pago', '2026-01-01T10:59:59.999Z'],
  ['America/New_York', '2026-03-08T04:59:59.999Z'],
  ['America/New_York', '2026-03-09T03:59:59.999Z'],
  ['Europe/Berlin', '2026-03-29T22:00:00.000Z'],
  ['Asia/Kathmandu', '2026-06-30T18:15:00.000Z'],
] as const;

/** The days by Python's time zones: as ISO 8601, and in words. */
function daysOf(pairs: readonly (readonly [string, string])[]): { iso: string; words: string }[] {
  const input = pairs.map((pair) => `${pair.join(' ')}\n`).join('');
  const lines = execFileSync('python3', [join(import.meta.dirname, 'local_days.py')], { input, encoding: 'utf8' });
  return lines
    .trim()
    .split('\n')
    .map((line) => ({ iso: line.slice(0, 10), words: line.slice(11) }));
}

test('the day of a quote is that of the time zone of the workspace, on its page and in its exports', async () => {
  const service = await sharedCustomers();
  const tenant = new QuotesTenant(service);
  const { quote, token } = await tenant.sentQuote(await tenant.newDeal(), { validUntil: '2099-12-31' });
  const superuser = await service.connectAsSuperuser();
  const days = daysOf(moments);
  for (const [index, [timeZone, instant]] of moments.entries()) {
    const settings = { ...Settings.decode(new Uint8Array()), timeZone };
    await service.call('updateSettings', { settings, updateMask: ['timeZone'] }, tenant.caller);
    await superuser.query('update quote set send_time = $2 where id = $1', [quote.id, instant]);
    const { iso, words } = days[index]!;

    expect(iso).not.toBe(instant.slice(0, 10));
    expect((await tenant.show(token)).text).toContain(`<dd>${words}</dd>`);
    expect(await tenant.render(quote.id)).toContain(`<dd>${words}</dd>`);
    expect(await tenant.exportUbl(quote.id)).toContain(`<cbc:IssueDate>${iso}</cbc:IssueDate>`);
    expect((await tenant.show(token)).text).toContain('<dd>December 31, 2099</dd>');
  }
  await superuser.end();

  const settings = { ...Settings.decode(new Uint8Array()), timeZone: 'Asia/Kathmandu' };
  await service.call('updateSettings', { settings, updateMask: ['timeZone'] }, tenant.caller);
  expect((await tenant.answer(token, { answer: 'accept', name: 'Ada' })).text).toMatch(
    /Accepted by Ada on .* GMT\+5:45/,
  );
});
