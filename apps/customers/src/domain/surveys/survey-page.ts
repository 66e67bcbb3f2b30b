import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { SurveyKind } from '@rapport/contracts/rapport/support/v1/survey';
import {
  SurveyPagesServiceService as Methods,
  type AnswerSurveyPageRequest,
  type ShowSurveyPageRequest,
} from '@rapport/contracts/rapport/support/v1/survey_pages_service';
import type { SurveyResponse } from '@rapport/contracts/rapport/support/v1/survey_response';
import { readForTenant, type StatementTransaction } from '@rapport/persistence';
import {
  currentCaller,
  html,
  pageLanguage,
  publicPage,
  type Html,
  type PageLanguage,
  type WrittenPage,
} from '@rapport/platform';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { changeRecord, readForChange } from '../../engine/write/write-record.js';
import { formReader, pageBody } from '../links/page-forms.js';
import { pageNotFound, removeLinks, throughLink, type LinkParts } from '../links/public-links.js';
import { changeTicket } from '../tickets/ticket-writes.js';
import { surveyResponses } from './survey-responses.js';
import { scoresOf } from './surveys.js';

/** How long a survey can be answered. */
const answerableMs = 30 * 86_400_000;

const en = {
  title: 'Your opinion',
  lowest: 'Lowest',
  highest: 'Highest',
  comment: 'What else would you like to tell us? (optional)',
  send: 'Send answer',
  missing: 'Choose a score.',
  thanks: 'Thank you for your answer.',
};

const zh: typeof en = {
  title: '您的评价',
  lowest: '最低',
  highest: '最高',
  comment: '还有什么想告诉我们的吗?(选填)',
  send: '提交',
  missing: '请选择一个分数。',
  thanks: '感谢您的评价。',
};

const texts: Readonly<Record<PageLanguage, typeof en>> = { en, 'zh-CN': zh };

/** Handles ShowSurveyPage. It changes nothing: programs follow the links in mails. */
export function showSurveyPage(parts: LinkParts, { token, acceptLanguage }: ShowSurveyPageRequest): Promise<HttpBody> {
  return throughLink(parts, 'SURVEY', token, async ({ recordId }) =>
    pageBody(questionPage(await openResponse(parts.em, recordId), pageLanguage(acceptLanguage))),
  );
}

/** Handles AnswerSurveyPage. */
export function answerSurveyPage(
  parts: LinkParts,
  { token, acceptLanguage, form }: AnswerSurveyPageRequest,
): Promise<HttpBody> {
  const language = pageLanguage(acceptLanguage);
  const text = formReader(form);
  const [sent, comment] = [text('score', 2), text('comment', 2_000) || undefined];
  return throughLink(parts, 'SURVEY', token, async ({ recordId: id, tenantId: tenant }) => {
    const response = await openResponse(parts.em, id);
    const score = scoresOf(response.kind).find((each) => String(each) === sent);
    if (score === undefined) return pageBody(questionPage(response, language, true), { ':status': '422' });
    // The token stays out of what the write knows of its request.
    const request = { token: '', acceptLanguage: language, form: undefined, requestId: undefined };
    return hotWriteCall(parts.em, Methods.answerSurveyPage, request, async (transaction) => {
      await storeAnswer(transaction, id, { score, comment });
      return pageBody(thanksPage(language), { tenant });
    });
  });
}

/** @throws AppError NOT_FOUND PAGE_NOT_FOUND for a survey that was answered meanwhile */
async function storeAnswer(
  transaction: StatementTransaction,
  id: string,
  answer: Pick<SurveyResponse, 'score' | 'comment'>,
): Promise<void> {
  const { record: before, ...known } = await readForChange(transaction, surveyResponses, id);
  if (!before || before.answerTime !== undefined) throw pageNotFound();
  const fields = { ...answer, answerTime: new Date().toISOString() };
  const change = { changes: { ...before, ...fields }, mask: Object.keys(fields) };
  await changeRecord(transaction, surveyResponses, before, known, change);
  transaction.later(removeLinks('SURVEY', id));
  if (before.kind !== SurveyKind.CSAT) return;
  const { score: satisfaction } = answer;
  const [ticket] = await transaction.rows({
    name: 'ticket_of_survey',
    sql: 'select id from ticket where tenant_id = $1 and id = $2 and delete_time is null',
    values: [currentCaller().tenantId, before.ticketId],
  });
  if (ticket) await changeTicket(transaction, before.ticketId, { satisfaction });
}

/** @throws AppError NOT_FOUND PAGE_NOT_FOUND unless the survey can be answered */
async function openResponse(em: EntityManager, id: string): Promise<SurveyResponse> {
  const stored = await readForTenant<StoredRecord<SurveyResponse>>(em, liveRecords(surveyResponses, [id]));
  const [response] = await openStored(surveyResponses, stored);
  const isLate = Date.parse(response?.createTime ?? '') + answerableMs < Date.now();
  if (!response || response.answerTime !== undefined || isLate) throw pageNotFound();
  return response;
}

function questionPage({ question, kind }: SurveyResponse, language: PageLanguage, isMissing = false): WrittenPage {
  const { title, lowest, highest, comment, send, missing } = texts[language];
  const scores = scoresOf(kind);
  const body = html`<form method="post">
    <fieldset>
      <legend><h1>${question}</h1></legend>
      ${isMissing ? html`<p role="alert">${missing}</p>` : undefined}
      <div class="scores">${scores.map((score) => scoreInput(score))}</div>
      <p class="quiet ends"><span>${lowest}</span> <span>${highest}</span></p>
    </fieldset>
    <label>${comment} <textarea name="comment" rows="4" maxlength="2000"></textarea></label>
    <button>${send}</button>
  </form>`;
  return publicPage({ language, title, body, style });
}

function scoreInput(score: number): Html {
  return html`<label><input type="radio" name="score" required value="${String(score)}" /> ${String(score)}</label>`;
}

function thanksPage(language: PageLanguage): WrittenPage {
  const { title, thanks } = texts[language];
  const body = html`<h1>${title}</h1>
    <p role="status">${thanks}</p>`;
  return publicPage({ language, title, body, style });
}

const style = `
form { display: grid; gap: 1.5rem; }
fieldset { margin: 0; padding: 0; border: 0; }
.scores { display: flex; flex-wrap: wrap; gap: .5rem; margin-top: 1.5rem; }
.scores label { display: flex; flex: 1; align-items: center; justify-content: center; gap: .5rem; min-width: 3.5rem; min-height: 2.75rem;
  padding: 0 .75rem; color: var(--text); background: var(--raised); border: 1px solid var(--line-control); border-radius: 6px; cursor: pointer; }
.scores label:has(:checked) { background: var(--mark); border-color: var(--mark-line); }
.scores input { width: auto; min-height: 0; margin: 0; accent-color: var(--accent-fill); }
.ends { display: flex; justify-content: space-between; }
form button { justify-self: start; }
@media (max-width: 45em) { form button { width: 100%; } }
`;
