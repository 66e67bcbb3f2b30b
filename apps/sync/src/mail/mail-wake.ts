import { Injectable } from '@nestjs/common';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ParseWorker } from './intake/parse-worker.js';
import { CampaignSender, MailSender } from './sending/sending-providers.js';

/** Wakes the workers that changes of records give work to. */
@Injectable()
export class MailWake {
  constructor(
    private readonly sender: MailSender,
    private readonly campaigns: CampaignSender,
    private readonly parser: ParseWorker,
  ) {}

  wakeFor(changes: readonly Change[]): void {
    const has = (type: string, state: string) =>
      changes.some((change) => change.type === type && change.after?.['state'] === state);
    if (has('message', 'QUEUED')) this.sender.wake();
    if (has('message', 'STORED')) this.parser.wake();
    if (has('campaign', 'SENDING')) this.campaigns.wake();
  }
}
