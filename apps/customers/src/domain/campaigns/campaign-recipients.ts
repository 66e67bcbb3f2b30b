import type { CampaignRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_recipient';
import { CampaignRecipientsServiceService } from '@rapport/contracts/rapport/marketing/v1/campaign_recipients_service';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { audienceStatements, settled } from './imported-recipients.js';

/** The ledger of campaigns: what became of the e-mail to each customer. Only the service writes it. */
export const campaignRecipients = defineRecord<CampaignRecipient>(
  'rapport/CampaignRecipient',
  CampaignRecipientsServiceService,
  {
    indexVersion: 1,
    alwaysSet: ['state', 'attempts', 'is_human_click'],
    imported: settled,
    restored: (records) => (records.length === 0 ? [] : audienceStatements(records)),
  },
);

export const CampaignRecipientsController = recordController(campaignRecipients, CampaignRecipientsServiceService);
