import type { Email } from '@rapport/contracts/rapport/work/v1/email';
import { EmailsServiceService } from '@rapport/contracts/rapport/work/v1/emails_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';

/** E-mails that were logged. */
export const emails = defineRecord<Email>('rapport/Email', EmailsServiceService, { indexVersion: 1 });

export const EmailsController = recordController(emails, EmailsServiceService);
