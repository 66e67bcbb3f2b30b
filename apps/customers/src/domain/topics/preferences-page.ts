import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  ConsentPagesServiceService as Methods,
  type SavePreferencesRequest,
  type ShowPreferencesPageRequest,
} from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { html, pageLanguage, publicPage, type PageLanguage } from '@rapport/platform';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { formReader, pageBody } from '../links/page-forms.js';
import { pageNotFound } from '../links/public-links.js';
import { claimsEnded } from '../suppressions/opt-out-lock.js';
import { readerOf, throughMailLink, type PageParts } from './follow-link.js';
import { pageTexts, topicText } from './page-texts.js';
import {
  consentsInForce,
  isSubscribed,
  stateConsent,
  survivingCustomer,
  type TopicStatement,
} from './state-consent.js';
import { maxTopics, readTopics } from './topics.js';

/** A topic, and whether the customer gets its mail. */
interface Preference {
  topic: Topic;
  isChosen: boolean;
}

/** Handles ShowPreferencesPage. */
export function showPreferencesPage(
  parts: PageParts,
  { token, acceptLanguage }: ShowPreferencesPageRequest,
): Promise<HttpBody> {
  return throughMailLink(parts, 'PREFERENCES', token, async ({ customerId }) => {
    const reader = readerOf(parts.em);
    const surviving = await survivingCustomer(reader, customerId);
    if (surviving === undefined) throw pageNotFound();
    const inForce = await consentsInForce(reader, surviving);
    const topics = await readTopics(reader);
    const preferences = topics.map((topic) => ({ topic, isChosen: isSubscribed(topic, inForce) }));
    return preferencesPage(pageLanguage(acceptLanguage), preferences);
  });
}

/** Handles SavePreferences. */
export function savePreferences(
  parts: PageParts,
  { token, acceptLanguage, form }: SavePreferencesRequest,
): Promise<HttpBody> {
  const language = pageLanguage(acceptLanguage);
  const text = formReader(form, maxTopics + 10);
  const shown = new Set(text('shown', 10_000).split(','));
  const isChosen = ({ key }: Topic) => text('all', 10) === '' && text(`topic_${key}`, 10) !== '';
  return throughMailLink(parts, 'PREFERENCES', token, async ({ customerId }) => {
    const request = { token: '', acceptLanguage: language, form: undefined, requestId: undefined };
    const key = await parts.suppressionKey.of(parts.em);
    const page = await hotWriteCall(parts.em, Methods.savePreferences, request, async (transaction) => {
      const topics = (await readTopics(transaction)).filter(({ key: each }) => shown.has(each));
      const surviving = await survivingCustomer(transaction, customerId);
      if (surviving === undefined) throw pageNotFound();
      const inForce = await consentsInForce(transaction, surviving);
      const preferences = topics.map((topic) => ({ topic, isChosen: isChosen(topic) }));
      // A box that shows what is so already says nothing, but a choice to get nothing at all says so of each topic.
      const changes = preferences.filter(
        ({ topic, isChosen: wanted }) => wanted !== isSubscribed(topic, inForce) || text('all', 10) !== '',
      );
      if (!(await stateConsent(transaction, key, surviving, changes.map(statementOf)))) throw pageNotFound();
      return preferencesPage(language, preferences, true);
    });
    await claimsEnded(parts.em);
    return page;
  });
}

function statementOf({ topic, isChosen }: Preference): TopicStatement {
  return { topicKey: topic.key, state: isChosen ? 'GIVEN' : 'WITHDRAWN', source: 'preferences page' };
}

function preferencesPage(language: PageLanguage, preferences: readonly Preference[], isSaved = false): HttpBody {
  const {
    preferencesTitle: title,
    preferencesQuestion,
    noTopics,
    save,
    unsubscribeFromAll,
    saved,
  } = pageTexts[language];
  const shown = preferences.map(({ topic }) => topic.key).join(',');
  const body = html`<h1>${title}</h1>
    ${isSaved ? html`<p role="status">${saved}</p>` : undefined}
    <p>${preferences.length > 0 ? preferencesQuestion : noTopics}</p>
    ${
      preferences.length > 0
        ? html`<form method="post">
            <input type="hidden" name="shown" value="${shown}" />
            ${preferences.map((each) => choice(language, each))}
            <p class="buttons">
              <button>${save}</button> <button class="second" name="all" value="1">${unsubscribeFromAll}</button>
            </p>
          </form>`
        : undefined
    }`;
  return pageBody(publicPage({ language, title, body, style }));
}

function choice(language: PageLanguage, { topic, isChosen }: Preference) {
  const { name, description } = topicText(topic, language);
  const field = `topic_${topic.key}`;
  const input = isChosen
    ? html`<input type="checkbox" name="${field}" value="1" checked />`
    : html`<input type="checkbox" name="${field}" value="1" />`;
  return html`<label class="choice"
    >${input}
    <span
      >${name}${description === undefined ? undefined : html`<br /><span class="quiet">${description}</span>`}</span
    ></label
  >`;
}

const style = `
form { display: grid; gap: .75rem; margin-top: 1.5rem; }
.choice { display: flex; align-items: start; gap: .75rem; min-height: 2.75rem; padding: .625rem .75rem; color: var(--text);
  background: var(--raised); border: 1px solid var(--line-control); border-radius: 6px; cursor: pointer; }
.choice:has(:checked) { background: var(--mark); border-color: var(--mark-line); }
.choice input { width: auto; min-height: 0; margin: .25rem 0 0; accent-color: var(--accent-fill); }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: .75rem; }
@media (max-width: 45em) { .buttons button { width: 100%; } }
`;
