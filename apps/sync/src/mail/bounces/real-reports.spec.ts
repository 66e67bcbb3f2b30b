import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BounceAction } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { expect, test } from 'vitest';
import { parseMail } from '../parsing/parse-mail.js';

/** What `make-reports.py` has made: bounces of real servers, and what Sisimai says of them. */
const folder = join(import.meta.dirname, '../../../test/fixtures/bounces');
const verdicts = Object.entries(
  JSON.parse(readFileSync(join(folder, 'sisimai.json'), 'utf8')) as Record<string, Verdict>,
);

interface Verdict {
  recipient: string;
  reason: string;
  status: string;
}

const noDns = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));

test.each(verdicts)(
  'the bounce %s names its mail and its recipient, and says why as Sisimai does',
  async (name, said) => {
    const raw = readFileSync(join(folder, `${name}.eml`));
    const { report } = await parseMail({ raw, ownDomains: [], resolver: noDns });

    expect(report?.token).toBe(`b${name.replaceAll(/[^a-z2-7]/g, '').padEnd(26, 'x')}`);
    expect(report?.recipients).toEqual([
      expect.objectContaining({ action: BounceAction.FAILED, recipient: said.recipient }),
    ]);
    const status = report?.recipients[0]?.status ?? '';
    // Sisimai gives codes of its own, 5.0.9xx, where a bounce has none.
    if (said.reason === 'expired') expect(status).toMatch(/^4\./);
    else expect(status).toBe(said.status.replace(/^5\.0\.9\d\d$/, '5.0.0'));
  },
);

test('there are bounces of three servers', () => {
  expect(Object.keys(Object.groupBy(verdicts, ([name]) => name.split('-')[0] ?? ''))).toEqual([
    'exim',
    'opensmtpd',
    'postfix',
  ]);
  expect(verdicts.length).toBe(26);
});
