import type { PublishedTemplate } from '@rapport/contracts/rapport/content/v1/template';
import type { MailHeader } from '@rapport/contracts/rapport/content/v1/mail_outbox_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import type { ClaimedRecipient } from '@rapport/contracts/rapport/marketing/v1/campaign_outbox_service';
import type { StatementTransaction } from '@rapport/persistence';
import { AppError } from '@rapport/platform';
import { recordType } from '../../../engine/fields/record-type.js';
import { recordValue } from '../../../engine/query/record-json.js';
import { messageDomain, readMailAddresses, type MailAddress } from '../../messages/mail-addresses.js';
import { tokenAddress } from '../../messages/mail-tokens.js';
import { publishedOf, readTemplate, renderEach } from '../../templates/render-template.js';
import type { RenderedTemplate } from '../../templates/render-liquid.js';
import { linkIssuer, recipientLinks, type LinkIssuer, type RecipientLinks } from '../../topics/recipient-links.js';
import { readCampaignLinks } from '../../tracking/campaign-links.js';
import { rewriteLinks } from '../../tracking/tracked-links.js';
import { campaigns } from '../campaigns.js';
import { mailDomain } from '../stored-recipients.js';
import type { TakenMember } from './campaign-members.js';
import { recipientToken } from './recipient-tokens.js';

/** Most characters of the e-mails of one answer, which is a message of gRPC. */
const maxCharacters = 8_000_000;

/** A recipient that can get the e-mail now. */
export interface Mailable {
  member: TakenMember;
  customer: Customer;
  address: string;
  /** Of the address, in hexadecimal. */
  hash: string;
  variantKey: string;
  /** As it was planned: the domain of the mailbox may have changed since. */
  internetMessageId: string;
}

/** An e-mail to a recipient, before its lease. */
export type RenderedRecipient = Omit<ClaimedRecipient, 'attempt' | 'leaseEndTime'>;

/**
 * Renders the e-mails to recipients.
 *
 * @returns those that fit into an answer, and the ids of recipients whose template can not be rendered for them
 */
export async function renderRecipients(
  transaction: StatementTransaction,
  { campaign, publicUrl }: { campaign: Campaign; publicUrl: string },
  mailable: readonly Mailable[],
): Promise<{ claimed: RenderedRecipient[]; invalid: string[] }> {
  if (mailable.length === 0) return { claimed: [], invalid: [] };
  const issuer = await linkIssuer(transaction, publicUrl);
  const mailbox = (await readMailAddresses(transaction)).find(({ mailboxId }) => mailboxId === campaign.mailboxId);
  if (!mailbox) throw new Error(`The campaign ${campaign.id} sends without a mailbox.`);
  const linkNumbers = campaign.tracksClicks
    ? await readCampaignLinks(transaction, campaign.id)
    : new Map<string, number>();
  const claimed: RenderedRecipient[] = [];
  const invalid: string[] = [];
  let characters = 0;
  for (const [key, recipients] of Map.groupBy(mailable, ({ variantKey }) => variantKey)) {
    const links = recipients.map(({ member: { recipientId }, customer: { id: customerId } }) =>
      recipientLinks(issuer, { customerId, topicKey: campaign.topicKey, recipientId }),
    );
    const values = recipients.map(({ customer }, index) => campaignValues(campaign, customer, links[index]!));
    const mails = await renderVariant(transaction, campaign, key, values);
    for (const [index, recipient] of recipients.entries()) {
      const { recipientId } = recipient.member;
      const mail = mails[index];
      if (mail?.subject === undefined) {
        invalid.push(recipientId);
        continue;
      }
      characters += mail.text.length + (mail.html?.length ?? 0);
      // What does not fit stays planned.
      if (claimed.length > 0 && characters > maxCharacters) return { claimed, invalid };
      const rewriting = { ...issuer, recipientId, linkNumbers, tracksOpens: campaign.tracksOpens };
      const parts = { ...mail, ...rewriteLinks(mail, rewriting) };
      claimed.push(addressed(recipient, { campaign, mailbox, issuer, links: links[index]!, mail: parts }));
    }
  }
  return { claimed, invalid };
}

/** What templates of a campaign show. */
export function campaignValues(campaign: Campaign, customer: Customer | undefined, links: RecipientLinks): object {
  const { name, topicKey, goal } = recordValue(campaigns, campaign);
  return {
    customer: customer && recordValue(recordType<Customer>('rapport/Customer'), customer),
    campaign: { id: campaign.id, name, topicKey, goal },
    ...links,
  };
}

/** Renders a variant with the values of each recipient: undefined where it can not be rendered. */
async function renderVariant(
  transaction: StatementTransaction,
  campaign: Campaign,
  key: string,
  values: readonly object[],
): Promise<(RenderedTemplate | undefined)[]> {
  try {
    return await renderEach(transaction, await variantTexts(transaction, campaign, key), values);
  } catch (error) {
    // A template that was deleted meanwhile fails its recipients, and not those of the other variants.
    if (error instanceof AppError && error.code !== 'UNAVAILABLE') return values.map(() => undefined);
    throw error;
  }
}

/** The texts of a variant. @throws AppError NOT_FOUND, FAILED_PRECONDITION TEMPLATE_NOT_PUBLISHED */
export async function variantTexts(
  transaction: StatementTransaction,
  { variants }: Campaign,
  key: string,
): Promise<PublishedTemplate> {
  const { templateId, subject } = variants.find((each) => each.key === key) ?? variants[0]!;
  const published = publishedOf(await readTemplate(transaction, templateId));
  return { ...published, subject: subject ?? published.subject };
}

interface Addressing {
  campaign: Campaign;
  mailbox: MailAddress;
  issuer: LinkIssuer;
  links: RecipientLinks;
  mail: RenderedTemplate;
}

function addressed(
  { member: { recipientId }, customer, address, internetMessageId }: Mailable,
  { campaign, mailbox, issuer, links, mail }: Addressing,
): RenderedRecipient {
  return {
    ...{ recipientId, campaignId: campaign.id, mailboxId: mailbox.mailboxId },
    envelopeFrom: tokenAddress(mailbox, recipientToken(issuer.secret, recipientId)),
    ...{
      to: address,
      toName: customer.displayName === '' ? undefined : customer.displayName,
      domain: mailDomain(address),
    },
    ...{ subject: mail.subject ?? '', text: mail.text, html: mail.html },
    headers: listHeaders(campaign, issuer, links, messageDomain(mailbox)),
    internetMessageId,
    ...{ fromAddress: mailbox.address, fromName: mailbox.name ?? undefined },
  };
}

/** By RFC 2369, 2919 and 8058, and for the feedback loop of Gmail, whose parts are no personal data. */
function listHeaders(
  { id, topicKey }: Campaign,
  { tenantId }: LinkIssuer,
  { unsubscribeUrl }: RecipientLinks,
  domain: string,
): MailHeader[] {
  return [
    { name: 'List-Unsubscribe', value: `<${unsubscribeUrl}>` },
    { name: 'List-Unsubscribe-Post', value: 'List-Unsubscribe=One-Click' },
    { name: 'List-Id', value: `<${topicKey.replaceAll('_', '-')}.${domain}>` },
    { name: 'Feedback-ID', value: `${id}:${topicKey}:${tenantId}:rapport` },
    { name: 'Precedence', value: 'bulk' },
  ];
}
