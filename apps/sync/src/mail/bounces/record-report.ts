import { randomUUID } from 'node:crypto';
import type { ContractClient } from '@rapport/contracts';
import { MailOutboxServiceService } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import { cutText } from '@rapport/platform';
import type { MailReport } from './read-report.js';

const callMs = 10_000;

const maxDiagnostic = 1_000;

/** Records a report at the message that it is about. A repetition has no effect. */
export async function recordReport(
  customers: Pick<ContractClient, 'unary'>,
  tenantId: string,
  { token, recipients }: MailReport,
): Promise<void> {
  const { path } = MailOutboxServiceService.recordBounce;
  for (const { diagnostic, status, recipient, action } of recipients) {
    const request = {
      ...{ tenantId, token, action, status, recipient: recipient?.slice(0, 320) },
      diagnostic: diagnostic === undefined ? undefined : cutText(diagnostic, maxDiagnostic),
    };
    await customers.unary(path, request, { context: { requestId: randomUUID() }, deadlineMs: callMs });
  }
}
