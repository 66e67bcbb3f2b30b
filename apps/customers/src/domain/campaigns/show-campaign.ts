import { AutomaticKind } from '@rapport/contracts/rapport/content/v1/message';
import type { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import type {
  CampaignTestMail,
  PreviewCampaignRequest,
  PreviewCampaignResponse,
  TestCampaignResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_actions_service';
import type { Customer } from '@rapport/contracts/rapport/customers/v1/customer';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, cutText, invalidField, permissionMissing } from '@rapport/platform';
import { inactiveAmong, type InactiveUser } from '../../engine/assignment/inactive-users.js';
import { readMailAddresses } from '../messages/mail-addresses.js';
import { queueMessage } from '../messages/queue-message.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { renderSource } from '../templates/render-template.js';
import { mayReceive } from '../topics/may-receive.js';
import { campaignValues, variantTexts } from './sending/render-recipients.js';
import { mailDomain, readCustomers } from './stored-recipients.js';

/** Handles PreviewCampaign. */
export async function previewCampaign(
  transaction: StatementTransaction,
  { key, publicUrl }: { key: SuppressionKey; publicUrl: string },
  campaign: Campaign,
  { customerId, variantKey = campaign.variants[0]!.key }: PreviewCampaignRequest,
): Promise<PreviewCampaignResponse> {
  if (!campaign.variants.some((each) => each.key === variantKey)) {
    throw invalidField('variantKey', 'VARIANT_UNKNOWN', 'must be the key of a variant');
  }
  const customer = await readableCustomer(transaction, customerId, 'customerId');
  const { subject = '', text, html } = await rendered(transaction, publicUrl, campaign, variantKey, customer);
  const address = customer.emails[0]?.address;
  const reasons = await mayReceive(transaction, key, {
    ...{ topicKey: campaign.topicKey, time: new Date() },
    recipients: address === undefined ? [] : [{ customerId, address }],
  });
  return { subject, text, html, reason: address === undefined ? 'NO_ADDRESS' : reasons.get(0) };
}

/** Handles TestCampaign. */
export async function testCampaign(
  transaction: StatementTransaction,
  { key, publicUrl }: { key: SuppressionKey; publicUrl: string },
  campaign: Campaign,
  test: CampaignTestMail | undefined,
): Promise<TestCampaignResponse> {
  const { addresses = [], userIds = [], customerId } = test ?? {};
  if (addresses.length + userIds.length === 0) {
    throw invalidField('test.addresses', 'REQUIRED', 'is required without users');
  }
  await checkTestAddresses(transaction, key, campaign, addresses);
  await checkTestUsers(transaction, userIds);
  const recipients = [...addresses.map((address) => ({ to: [address] })), ...userIds.map((toUserId) => ({ toUserId }))];
  const customer =
    customerId === undefined ? undefined : await readableCustomer(transaction, customerId, 'test.customerId');
  const messageIds: string[] = [];
  for (const { key: variantKey } of campaign.variants) {
    const { subject = '', text, html } = await rendered(transaction, publicUrl, campaign, variantKey, customer);
    for (const recipient of recipients) {
      const { id } = await queueMessage(transaction, {
        ...{ mailboxId: campaign.mailboxId, to: [], ...recipient, customerId },
        ...{ subject: cutText(`[${variantKey}] ${subject}`, 300), text, html, automatic: AutomaticKind.GENERATED },
      });
      messageIds.push(id);
    }
  }
  return { messageIds };
}

/**
 * A test has no unsubscription and asks for no consent: it goes to addresses of the domain that the campaign is sent from, and to those
 * that have just confirmed that they want mail of the topic.
 *
 * @throws AppError INVALID_ARGUMENT
 */
async function checkTestAddresses(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { mailboxId, topicKey }: Campaign,
  addresses: readonly string[],
): Promise<void> {
  const { tenantId } = currentCaller();
  const mailbox = (await readMailAddresses(transaction)).find((each) => each.mailboxId === mailboxId);
  const hashes = addresses.map((address) => key.hash(tenantId, 'EMAIL', address));
  const rows = await transaction.rows<{ hash: Buffer }>({
    name: 'confirmed_addresses_of_topic',
    sql: `select address_hash as hash from opt_in where tenant_id = $1 and address_hash = any ($2::bytea[])
        and confirm_time is not null and $3 = any (topic_keys)`,
    values: [tenantId, hashes, topicKey],
  });
  addresses.forEach((address, at) => {
    if (mailbox && mailDomain(address) === mailDomain(mailbox.address)) return;
    if (rows.some(({ hash }) => hash.equals(hashes[at]!))) return;
    const rule = 'must be of the domain of the mailbox, or have confirmed a subscription to the topic within 7 days';
    throw invalidField(`test.addresses[${at}]`, 'NOT_ALLOWED', rule);
  });
}

/** @throws AppError INVALID_ARGUMENT for users that have no access any more */
async function checkTestUsers(transaction: StatementTransaction, userIds: readonly string[]): Promise<void> {
  const rows = await transaction.rows<InactiveUser>(inactiveAmong(currentCaller().tenantId, userIds));
  const at = userIds.findIndex((userId) => rows.some(({ id }) => id === userId));
  if (at >= 0) throw invalidField(`test.userIds[${at}]`, 'NOT_ALLOWED', 'must be the id of an active user');
}

/** Renders a variant with links that lead to no page: a preview unsubscribes nobody. */
async function rendered(
  transaction: StatementTransaction,
  publicUrl: string,
  campaign: Campaign,
  variantKey: string,
  customer: Customer | undefined,
) {
  const links = { unsubscribeUrl: `${publicUrl}/u/preview`, preferencesUrl: `${publicUrl}/p/preview` };
  const texts = await variantTexts(transaction, campaign, variantKey);
  return renderSource(transaction, texts, campaignValues(campaign, customer, links));
}

/** @throws AppError PERMISSION_DENIED, INVALID_ARGUMENT RECORD_NOT_FOUND */
async function readableCustomer(transaction: StatementTransaction, id: string, field: string): Promise<Customer> {
  if (!currentCaller().permissions.includes('customers.read')) throw permissionMissing('customers.read');
  const customer = (await readCustomers(transaction, [id])).get(id);
  if (customer) return customer;
  throw invalidField(field, 'RECORD_NOT_FOUND', 'must be the id of a live customer');
}
