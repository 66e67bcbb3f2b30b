import { Injectable } from '@nestjs/common';
import type { Change } from '@rapport/contracts/rapport/api/v1/change_feed';
import { ParseWorker } from './intake/parse-worker.js';
import { MailSender } from './sending/mail-sender.js';

/** Wakes the workers that changes of records give work to. */
@Injectable()
export class MailWake {
  constructor(
    private readonly sender: MailSender,
    private readonly parser: ParseWorker,
  ) {}

  wakeFor(changes: readonly Change[]): void {
    const states = new Set(changes.flatMap(({ type, after }) => (type === 'message' ? [after?.['state']] : [])));
    if (states.has('QUEUED')) this.sender.wake();
    if (states.has('STORED')) this.parser.wake();
  }
}
