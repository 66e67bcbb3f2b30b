import { Customer, CustomerKind, EmailAddress, PhoneNumber } from '@rapport/contracts/rapport/customers/v1/customer';
import type { Form, FormField } from '@rapport/contracts/rapport/marketing/v1/form';
import {
  FormRejection,
  FormSubmissionState,
  type FormSubmission,
} from '@rapport/contracts/rapport/marketing/v1/form_submission';
import type { Topic } from '@rapport/contracts/rapport/marketing/v1/topic';
import { TouchpointKind } from '@rapport/contracts/rapport/marketing/v1/touchpoint';
import type { Lead } from '@rapport/contracts/rapport/sales/v1/lead';
import { formatEtag, type StatementTransaction } from '@rapport/persistence';
import { currentCaller, cutText } from '@rapport/platform';
import { CustomFields } from '../../engine/fields/custom-fields.js';
import { effectsOf } from '../../engine/records/effects.js';
import { insertRecords } from '../../engine/records/record-statements.js';
import { LinkedRecords } from '../../engine/records/references.js';
import { currentSeal } from '../../engine/sealing/seal.js';
import { createIntakeLead, customerOfIntake } from '../leads/intake-lead.js';
import { leads } from '../leads/leads.js';
import { startDoubleOptIn, type OptInParts } from '../topics/double-opt-in.js';
import { stateConsent, withdrawnAmong } from '../topics/state-consent.js';
import { recordTouchpoints } from '../tracking/touchpoints.js';
import { submissionOrigin } from './end-submission.js';
import { formSubmissions } from './form-submissions.js';
import type { PageTexts } from './form-texts.js';
import { storedValue, type SentForm } from './form-values.js';
import { emailTarget } from './forms.js';

/** A submission whose values are valid. */
export interface Submission {
  form: Form;
  texts: PageTexts;
  values: SentForm;
  submissionId: string;
  /** Whether it has left the honeypot empty. */
  isHuman: boolean;
  /** Those that the form offers. */
  topics: readonly Topic[];
  optInParts: OptInParts;
}

const defaultDailyLimit = 5;

/**
 * Stores a submission once, and what follows from it: the customer with its address, the lead and the consents. The answer is the same for
 * all submissions, so that it reveals nothing about an address.
 */
export async function storeSubmission(
  transaction: StatementTransaction,
  submission: Submission,
): Promise<{ isPending: boolean }> {
  const { form } = submission;
  const answer = { isPending: toConfirm(submission).length > 0 };
  const address = addressOf(submission);
  if (await wasStored(transaction, submission, address)) return answer;
  if (!submission.isHuman) {
    await insert(transaction, rejected(submission, FormRejection.HONEYPOT));
    return answer;
  }
  const customer = customerOf(submission);
  const { customerId } = await customerOfIntake(transaction, customer, undefined);
  const limit = form.dailyLimitPerAddress ?? defaultDailyLimit;
  const recent = await recentCount(transaction, form.id, customerId);
  if (recent >= limit) {
    // One row records that the limit was reached. A persistent sender must not create more.
    if (recent === limit) {
      await insert(transaction, { ...rejected(submission, FormRejection.ADDRESS_LIMIT), customerId });
    }
    return answer;
  }
  const lead = form.createsLead ? await createIntakeLead(transaction, leadOf(submission), customerId) : undefined;
  const outcome = await subscribe(transaction, submission, { customerId, address });
  await insert(transaction, {
    ...{ ...newSubmission(submission, FormSubmissionState.CONFIRMED), ...outcome },
    ...{ customerId, leadId: lead?.id, evidence: evidenceOf(submission), values: valuesOf(submission) },
  });
  const { campaignId, id: formId } = form;
  recordTouchpoints(transaction, [{ customerId, campaignId, formId, kind: TouchpointKind.FORM }]);
  return answer;
}

/** Records the consents that count at once, and asks for the confirmation of the others. */
async function subscribe(
  transaction: StatementTransaction,
  submission: Submission,
  { customerId, address }: { customerId: string; address: string },
): Promise<Partial<FormSubmission>> {
  const { form, optInParts, submissionId, texts, values } = submission;
  const [source, evidence] = [sourceOf(form), evidenceOf(submission)];
  // A visitor has not proven to have the typed address, so a withdrawn consent needs a confirmation. The answer says nothing of it.
  const withdrawn = await withdrawnAmong(transaction, customerId, values.topicKeys);
  const pending = [...new Set([...toConfirm(submission), ...withdrawn])];
  const given = values.topicKeys.filter((key) => !pending.includes(key));
  if (given.length > 0) {
    const statements = given.map((topicKey) => ({ topicKey, state: 'GIVEN' as const, source, evidence }));
    await stateConsent(transaction, optInParts.suppressionKey, customerId, statements);
  }
  if (pending.length === 0) return {};
  const asked = await startDoubleOptIn(transaction, optInParts, {
    ...{ customerId, address, topicKeys: pending, source, evidence, language: texts.language },
    origin: { type: submissionOrigin, id: submissionId },
  });
  if ('optInId' in asked) return { state: FormSubmissionState.PENDING };
  return { state: FormSubmissionState.EXPIRED, reason: FormRejection.NO_CONFIRMATION };
}

/** The chosen topics that a confirmation must follow: all of the form, or those that ask for it themselves. */
function toConfirm({ form, topics, values: { topicKeys } }: Submission): string[] {
  const strict = new Set(topics.filter(({ isDoubleOptIn }) => isDoubleOptIn).map(({ key }) => key));
  return topicKeys.filter((key) => form.isDoubleOptIn || strict.has(key));
}

function valuesOf({ form, texts, values }: Submission): FormSubmission['values'] {
  return form.fields.flatMap(({ key }) => {
    const value = values.values.get(key);
    return value === undefined ? [] : [{ key, label: texts.label(key), value }];
  });
}

/**
 * Whether the page was submitted before. Submissions of one page wait for each other, so that one of them is stored, and then those of an
 * address, so that its limit is exact.
 */
async function wasStored(
  transaction: StatementTransaction,
  { form, submissionId }: Submission,
  address: string,
): Promise<boolean> {
  const { tenantId } = currentCaller();
  const [, , rows = []] = await transaction.run(
    {
      name: 'lock_submissions_of_page',
      sql: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
      values: [`form submission ${submissionId}`],
    },
    {
      name: 'lock_form_submissions_of_address',
      sql: 'select pg_advisory_xact_lock(hashtextextended($1, 0))',
      values: [`form ${tenantId} ${form.id} ${address.toLowerCase()}`],
    },
    {
      name: 'form_submission_was_stored',
      sql: 'select from form_submission where tenant_id = $1 and id = $2',
      values: [tenantId, submissionId],
    },
  );
  return rows.length > 0;
}

/** Submissions of a customer within 24 hours, with those that were rejected. */
async function recentCount(transaction: StatementTransaction, formId: string, customerId: string): Promise<number> {
  const [row] = await transaction.rows<{ count: number }>({
    name: 'recent_form_submissions_of_customer',
    sql: `select count(*)::int as count from form_submission
      where tenant_id = $1 and customer_id = $2 and form_id = $3 and create_time > $4::timestamptz`,
    values: [currentCaller().tenantId, customerId, formId, new Date(Date.now() - 86_400_000).toISOString()],
  });
  return row?.count ?? 0;
}

async function insert(transaction: StatementTransaction, submission: FormSubmission): Promise<void> {
  await currentSeal()?.prepare([formSubmissions.subjectOf(submission)]);
  transaction.later(
    insertRecords(formSubmissions, [submission], new CustomFields([])),
    ...effectsOf(formSubmissions, [new LinkedRecords().change(formSubmissions, undefined, submission)]),
  );
}

/** Nothing of what was typed is kept. */
function rejected(submission: Submission, reason: FormRejection): FormSubmission {
  return { ...newSubmission(submission, FormSubmissionState.REJECTED), reason, topicKeys: [] };
}

function newSubmission({ form, texts, values, submissionId }: Submission, state: FormSubmissionState): FormSubmission {
  const { principalId } = currentCaller();
  const createTime = new Date().toISOString();
  return {
    ...{ id: submissionId, formId: form.id, formName: form.name, campaignId: form.campaignId },
    ...{ customerId: undefined, leadId: undefined, values: [], state, reason: undefined },
    ...{ topicKeys: [...values.topicKeys], evidence: undefined, locale: texts.locale, confirmTime: undefined },
    ...{ etag: formatEtag(1), createTime, updateTime: createTime, deleteTime: undefined },
    ...{ createdBy: principalId, updatedBy: principalId },
  };
}

function addressOf({ form, values }: Submission): string {
  const field = form.fields.find(({ customerField }) => customerField === emailTarget);
  return values.values.get(field?.key ?? '') ?? '';
}

function customerOf(submission: Submission): Customer {
  const { email, phone, ...texts } = targetsOf(submission, 'customerField');
  return {
    ...Customer.decode(new Uint8Array()),
    ...{ kind: CustomerKind.PERSON, ...texts },
    emails: [{ ...EmailAddress.decode(new Uint8Array()), address: email as string }],
    ...(phone !== undefined && { phones: [{ ...PhoneNumber.decode(new Uint8Array()), number: phone as string }] }),
    source: sourceOf(submission.form),
  };
}

function leadOf(submission: Submission): Lead {
  return { ...leads.empty(), ...targetsOf(submission, 'leadField'), source: sourceOf(submission.form) };
}

/** The values by the fields of a record that take them, with those of custom fields in `customFields`. */
function targetsOf({ form, values }: Submission, name: 'customerField' | 'leadField'): Record<string, unknown> {
  const given = form.fields.flatMap((field): [target: string, value: unknown][] => {
    const [target, value] = [field[name], values.values.get(field.key)];
    return target === undefined || value === undefined ? [] : [[target, customValue(field, target, value)]];
  });
  const custom = given.filter(([target]) => target.startsWith(customPrefix));
  const customFields = Object.fromEntries(custom.map(([target, value]) => [target.slice(customPrefix.length), value]));
  return {
    ...Object.fromEntries(given.filter((each) => !custom.includes(each))),
    ...(custom.length > 0 && { customFields }),
  };
}

const customPrefix = 'customFields.';

function customValue(field: FormField, target: string, value: string): unknown {
  return target.startsWith(customPrefix) ? storedValue(field, value) : value;
}

/** What the visitor has agreed to, as the page showed it. */
function evidenceOf({ values: { topicKeys }, texts }: Submission): string | undefined {
  if (topicKeys.length === 0) return undefined;
  return cutText([texts.consent, ...topicKeys.map((key) => `- ${texts.label(key)}`)].join('\n'), 2_000);
}

function sourceOf({ key }: Form): string {
  return `form ${key}`;
}
