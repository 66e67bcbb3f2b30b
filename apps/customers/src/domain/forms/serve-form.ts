import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { FormProof, FormState, type Form } from '@rapport/contracts/rapport/marketing/v1/form';
import {
  FormPagesServiceService as Methods,
  type ShowFormPageRequest,
  type SubmitFormPageRequest,
} from '@rapport/contracts/rapport/marketing/v1/form_pages_service';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { readForTenant } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { v7 as uuidv7 } from 'uuid';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { formReader, pageBody, redirection } from '../links/page-forms.js';
import { pageNotFound, throughLink, type LinkParts, type PublicUrl } from '../links/public-links.js';
import { senderTries } from '../mail-intake/sender.js';
import type { SuppressionKey } from '../suppressions/suppression-key.js';
import { readTopics } from '../topics/topics.js';
import { closedPage, formPage, thanksPage, type Attempt } from './form-page.js';
import { isProof, newTicket, readTicket } from './form-tickets.js';
import { textsOf, type PageTexts } from './form-texts.js';
import { pageNames, readSentForm, type FormReader, type SentForm, type ValueFault } from './form-values.js';
import { forms } from './forms.js';
import { storeSubmission, type Submission } from './store-submission.js';

/** What the pages need of the process. */
export interface FormParts extends LinkParts {
  suppressionKey: SuppressionKey;
  publicUrl: PublicUrl;
}

/** Handles ShowFormPage. It changes nothing. */
export function showFormPage(parts: FormParts, { token, acceptLanguage }: ShowFormPageRequest): Promise<HttpBody> {
  return throughLink(parts, 'FORM', token, async ({ recordId }) => {
    const { form, texts } = await openForm(parts, recordId, acceptLanguage);
    if (form.state === FormState.CLOSED) return closed(texts);
    return shownForm(parts, form, texts);
  });
}

/** Handles SubmitFormPage. */
export function submitFormPage(parts: FormParts, request: SubmitFormPageRequest): Promise<HttpBody> {
  const { token, acceptLanguage, form: sent } = request;
  return throughLink(parts, 'FORM', token, async ({ recordId, tenantId: tenant }) => {
    const { form, texts, topics } = await openForm(parts, recordId, acceptLanguage);
    if (form.state === FormState.CLOSED) return closed(texts);
    const read = formReader(sent, 60);
    const values = readSentForm(form, read);
    const again = (faults: SentForm['faults']) =>
      shownForm(parts, form, texts, { ...values, faults, isComplete: faults.size === 0 });
    if (values.faults.size > 0) return again(values.faults);
    const submissionId = provenId(parts, form, read);
    if (submissionId === undefined) return again(values.faults);
    const isHuman = read(pageNames.honeypot, 1) === '';
    try {
      const { isPending } = await stored(parts, { form, texts, topics, values, submissionId, isHuman });
      if (form.redirectUrl !== undefined) return redirection({ location: new URL(form.redirectUrl).href, tenant });
      return pageBody(thanksPage(texts, isPending), { tenant });
    } catch (error) {
      const faults = faultsOf(form, error);
      if (!faults) throw error;
      return again(faults);
    }
  });
}

async function stored(
  { em, suppressionKey, publicUrl }: FormParts,
  submission: Omit<Submission, 'optInParts'>,
): Promise<{ isPending: boolean }> {
  const optInParts = { suppressionKey: await suppressionKey.of(em), publicUrl: publicUrl.text };
  // The values stay out of what the write knows of its request.
  const request = { token: '', acceptLanguage: undefined, form: undefined, requestId: undefined };
  let isPending = false;
  await senderTries(() =>
    hotWriteCall(em, Methods.submitFormPage, request, async (transaction) => {
      ({ isPending } = await storeSubmission(transaction, { ...submission, optInParts }));
      return redirection({});
    }),
  );
  return { isPending };
}

/** @throws AppError NOT_FOUND PAGE_NOT_FOUND for a form that has no page */
async function openForm(
  { em }: FormParts,
  id: string,
  acceptLanguage: string | undefined,
): Promise<{ form: Form; texts: PageTexts; topics: Topic[] }> {
  const [stored] = await openStored(forms, await readForTenant<StoredRecord<Form>>(em, liveRecords(forms, [id])));
  if (!stored || stored.state === FormState.DRAFT) throw pageNotFound();
  const topics =
    stored.topicKeys.length === 0
      ? []
      : await readTopics({ rows: (statement) => readForTenant(em, statement) }, stored.topicKeys);
  // A topic that was deleted is not offered any more.
  const form = { ...stored, topicKeys: stored.topicKeys.filter((each) => topics.some(({ key }) => key === each)) };
  return { form, texts: textsOf(form, acceptLanguage, topics), topics };
}

function closed(texts: PageTexts): HttpBody {
  return pageBody(closedPage(texts), { ':status': '410' });
}

function shownForm(parts: FormParts, form: Form, texts: PageTexts, attempt?: Attempt): HttpBody {
  const page = formPage(form, texts, newTicket(secretOf(parts), form.id), attempt);
  const { redirectUrl } = form;
  return pageBody(page, {
    ...(attempt && { ':status': '422' }),
    ...(redirectUrl !== undefined && { 'form-action': new URL(redirectUrl).origin }),
  });
}

/**
 * The id of a submission. Undefined unless the page of its form was loaded long enough ago, and has done its work. A form on another site
 * has no ticket: it is taken if nothing is to be proven, and else shown again on its page.
 */
function provenId(parts: FormParts, form: Form, read: FormReader): string | undefined {
  const text = read(pageNames.ticket, 100);
  const ticket = readTicket(secretOf(parts), form.id, text, Date.now());
  if (form.proof === FormProof.NONE && form.minSeconds === 0) return ticket?.id ?? uuidv7();
  if (!ticket || Date.now() - ticket.time < form.minSeconds * 1_000) return undefined;
  return form.proof === FormProof.NONE || isProof(text, read(pageNames.proof, 10)) ? ticket.id : undefined;
}

function secretOf({ suppressionKey }: FormParts): Buffer {
  return suppressionKey.derived(`form tickets of ${currentCaller().tenantId}`);
}

/** Fields whose values their customer or lead cannot have, such as those of a custom field. Undefined for other errors. */
function faultsOf({ fields }: Form, error: unknown): Map<string, ValueFault> | undefined {
  if (!(error instanceof AppError) || error.violations.length === 0) return undefined;
  const faults = error.violations.map(({ field: path }) =>
    fields.find(({ customerField, leadField }) => {
      const target = customerField === undefined ? `lead.${leadField}` : `customer.${customerField}`;
      return path === `intake.${target}`;
    }),
  );
  return faults.every((field) => field !== undefined) ? new Map(faults.map(({ key }) => [key, 'invalid'])) : undefined;
}
