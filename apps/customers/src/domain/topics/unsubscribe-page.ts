import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  ConsentPagesServiceService as Methods,
  type ShowUnsubscribePageRequest,
  type UnsubscribeRequest,
} from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import type { StatementTransaction } from '@rapport/persistence';
import { html, pageLanguage, publicPage, type Html, type PageLanguage } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { pageBody } from '../links/page-forms.js';
import { pageNotFound } from '../links/public-links.js';
import { claimsEnded } from '../suppressions/opt-out-lock.js';
import { readerOf, throughMailLink, type FollowedLink, type PageParts } from './follow-link.js';
import { pageTexts, topicText } from './page-texts.js';
import { linkToken } from './recipient-links.js';
import { consentsInForce, stateConsent, survivingCustomer } from './state-consent.js';
import { readTopics } from './topics.js';

/** What follows from an unsubscription elsewhere, such as an event of a campaign. */
export type UnsubscribeListener = (
  transaction: StatementTransaction,
  link: { customerId: string; topicKey: string; recipientId: string },
) => Promise<void>;

const listeners: UnsubscribeListener[] = [];

/** Adds a listener to unsubscriptions by links. Folders above this one add theirs when they are loaded. */
export function onUnsubscribe(listener: UnsubscribeListener): void {
  listeners.push(listener);
}

/** Handles ShowUnsubscribePage. It changes nothing: programs follow the links in mails. */
export function showUnsubscribePage(
  parts: PageParts,
  { token, acceptLanguage }: ShowUnsubscribePageRequest,
): Promise<HttpBody> {
  const language = pageLanguage(acceptLanguage);
  return throughMailLink(parts, 'UNSUBSCRIBE', token, async (link) => {
    const reader = readerOf(parts.em);
    const customerId = await survivingCustomer(reader, link.customerId);
    if (customerId === undefined) throw pageNotFound();
    const [topic] = await readTopics(reader, [link.topicKey]);
    const isDone = (await consentsInForce(reader, customerId)).get(link.topicKey)?.state === 'WITHDRAWN';
    return isDone ? donePage(language, topic, link) : questionPage(language, topic);
  });
}

/** Handles Unsubscribe. */
export function unsubscribe(parts: PageParts, { token, acceptLanguage }: UnsubscribeRequest): Promise<HttpBody> {
  const language = pageLanguage(acceptLanguage);
  return throughMailLink(parts, 'UNSUBSCRIBE', token, async (link) => {
    // The token stays out of what the write knows of its request.
    const request = { token: '', acceptLanguage: language, form: undefined, requestId: undefined };
    const key = await parts.suppressionKey.of(parts.em);
    const page = await hotWriteCall(parts.em, Methods.unsubscribe, request, async (transaction) => {
      const { customerId, topicKey } = link;
      const statement = { topicKey, state: 'WITHDRAWN' as const, source: 'unsubscribe link' };
      const changed = await stateConsent(transaction, key, customerId, [statement]);
      if (!changed) throw pageNotFound();
      if (changed.length > 0) for (const listener of listeners) await listener(transaction, link);
      const [topic] = await readTopics(transaction, [topicKey]);
      return donePage(language, topic, link);
    });
    await claimsEnded(parts.em);
    return page;
  });
}

function questionPage(language: PageLanguage, topic: Topic | undefined): HttpBody {
  const { unsubscribeTitle: title, unsubscribeQuestion, unsubscribe: button } = pageTexts[language];
  const body = html`<h1>${title}</h1>
    <p>${unsubscribeQuestion}</p>
    ${named(language, topic)}
    <form method="post"><button>${button}</button></form>`;
  return pageBody(publicPage({ language, title, body, style: topicStyle }));
}

function donePage(language: PageLanguage, topic: Topic | undefined, link: FollowedLink): HttpBody {
  const { unsubscribeTitle: title, unsubscribed, otherTopics } = pageTexts[language];
  const body = html`<h1>${title}</h1>
    <p role="status">${unsubscribed}</p>
    ${named(language, topic)}
    <p class="screen"><a href="/p/${linkToken(link, 'PREFERENCES', link)}">${otherTopics}</a></p>`;
  return pageBody(publicPage({ language, title, body, style: topicStyle }));
}

/** The topic of a page. One that is deleted has no name any more: its mail is ended all the same. */
function named(language: PageLanguage, topic: Topic | undefined): Html | undefined {
  return topic && topicList([topicText(topic, language)]);
}

/** Topics with their descriptions. */
export function topicList(topics: readonly { name: string; description?: string | undefined }[]): Html {
  return html`<ul class="topics">
    ${topics.map(
      ({ name, description }) =>
        html`<li>
          <strong>${name}</strong>${
            description === undefined ? undefined : html`<br /><span class="quiet">${description}</span>`
          }
        </li>`,
    )}
  </ul>`;
}

export const topicStyle = `
form { margin-top: 1.5rem; }
.topics { display: grid; gap: .75rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.screen { margin-top: 1.5rem; }
`;
