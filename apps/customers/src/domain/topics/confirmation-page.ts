import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  ConsentPagesServiceService as Methods,
  type ConfirmSubscriptionRequest,
  type ShowConfirmationPageRequest,
} from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import type { StatementTransaction } from '@rapport/persistence';
import { currentCaller, cutText, html, pageLanguage, type PageLanguage, publicPage } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { pageBody } from '../links/page-forms.js';
import { pageNotFound, removeLinks, throughLink } from '../links/public-links.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { readerOf, type PageParts } from './follow-link.js';
import { confirmOptIn, pendingOptIn, type PendingOptIn } from './end-opt-in.js';
import { pageTexts, topicText } from './page-texts.js';
import { lockCustomer, stateConsent } from './state-consent.js';
import { readTopics } from './topics.js';
import { topicList, topicStyle } from './unsubscribe-page.js';

/** Handles ShowConfirmationPage. It changes nothing: programs follow the links in mails. */
export function showConfirmationPage(
  parts: PageParts,
  { token, acceptLanguage }: ShowConfirmationPageRequest,
): Promise<HttpBody> {
  return throughLink(parts, 'CONFIRMATION', token, async ({ recordId }) => {
    const reader = readerOf(parts.em);
    const { topicKeys } = await pendingOptIn(reader, recordId);
    return questionPage(pageLanguage(acceptLanguage), await readTopics(reader, topicKeys));
  });
}

/** Handles ConfirmSubscription. */
export function confirmSubscription(
  parts: PageParts,
  { token, acceptLanguage }: ConfirmSubscriptionRequest,
): Promise<HttpBody> {
  const language = pageLanguage(acceptLanguage);
  return throughLink(parts, 'CONFIRMATION', token, async ({ recordId, tenantId: tenant }) => {
    // The token stays out of what the write knows of its request.
    const request = { token: '', acceptLanguage: language, form: undefined, requestId: undefined };
    const key = await parts.suppressionKey.of(parts.em);
    return hotWriteCall(parts.em, Methods.confirmSubscription, request, async (transaction) => {
      const optIn = await pendingOptIn(transaction, recordId, true);
      if (!(await hasAddress(transaction, key, optIn))) throw pageNotFound();
      const topics = await readTopics(transaction, optIn.topicKeys);
      const statements = topics.map(({ key: topicKey }) => ({
        ...{ topicKey, state: 'GIVEN' as const, source: optIn.source, evidence: evidenceOf(optIn) },
      }));
      if (!(await stateConsent(transaction, key, optIn.customerId, statements))) throw pageNotFound();
      await confirmOptIn(transaction, optIn);
      transaction.later(removeLinks('CONFIRMATION', recordId));
      return confirmedPage(language, topics, tenant);
    });
  });
}

/** Whether the customer still has the address that confirms: its mail goes to no address of another person. */
async function hasAddress(
  transaction: StatementTransaction,
  key: SuppressionKey,
  { customerId, addressHash }: PendingOptIn,
): Promise<boolean> {
  const { tenantId } = currentCaller();
  const customer = await lockCustomer(transaction, customerId);
  const hashes = customer?.emails.flatMap(({ address }) => key.hashes(tenantId, 'EMAIL', address));
  return hashes?.some((hash) => hash.equals(addressHash)) ?? false;
}

/** What proves the consent: the text that was agreed to, and that the address has confirmed it. */
function evidenceOf({ evidence, askTime }: PendingOptIn): string {
  const confirmed = `Asked for at ${askTime}, and confirmed by the link of an e-mail.`;
  return evidence === null ? confirmed : `${cutText(evidence, 1_900)}\n${confirmed}`;
}

function questionPage(language: PageLanguage, topics: readonly Topic[]): HttpBody {
  const { confirmTitle: title, confirmQuestion, confirm } = pageTexts[language];
  const body = html`<h1>${title}</h1>
    <p>${confirmQuestion}</p>
    ${topicList(topics.map((topic) => topicText(topic, language)))}
    <form method="post"><button>${confirm}</button></form>`;
  return pageBody(publicPage({ language, title, body, style: topicStyle }));
}

function confirmedPage(language: PageLanguage, topics: readonly Topic[], tenant: string): HttpBody {
  const { confirmTitle: title, confirmed } = pageTexts[language];
  const body = html`<h1>${title}</h1>
    <p role="status">${confirmed}</p>
    ${topicList(topics.map((topic) => topicText(topic, language)))}`;
  return pageBody(publicPage({ language, title, body, style: topicStyle }), { tenant });
}
