import {
  FormFieldKind,
  FormProof,
  FormState,
  type Form,
  type FormField,
} from '@rapport/contracts/rapport/marketing/v1/form';
import { FormsServiceService } from '@rapport/contracts/rapport/marketing/v1/forms_service';
import { canonicalLocale, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { newLink } from '../links/public-links.js';

const normalise = normaliserOf<Form>(recordContract('rapport/Form'));

/** Public forms, whose pages take submissions. */
export const forms = defineRecord<Form>('rapport/Form', FormsServiceService, {
  indexVersion: 1,
  alwaysSet: ['state', 'is_double_opt_in', 'proof', 'min_seconds', 'creates_lead', 'token'],
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    return { record: { ...record, ...withDefaults(record) }, violations };
  },
  guard: ({ after }) => [...fieldViolations(after.fields), ...textViolations(after), ...redirectViolations(after)],
  // The link is made here, and not in a pure hook, since its token is random.
  settle(_source, { after }) {
    if (after.token !== '') return Promise.resolve({ fields: {}, statements: [] });
    const { token, store } = newLink('FORM', after.id);
    return Promise.resolve({ fields: { token }, statements: [store] });
  },
  detail: ({ key }) => key,
});

export const FormsController = recordController(forms, FormsServiceService);

/** The target of the field that identifies a customer. */
export const emailTarget = 'email';

function withDefaults({ state, proof, fields, texts }: Form): Partial<Form> {
  return {
    state: state === FormState.UNSPECIFIED ? FormState.DRAFT : state,
    proof: proof === FormProof.UNSPECIFIED ? FormProof.POW : proof,
    fields: fields.map((field) => ({ ...field, kind: kindOf(field) })),
    texts: texts.map((text) => ({ ...text, locale: canonicalLocale(text.locale) ?? text.locale })),
  };
}

function kindOf({ kind, customerField }: FormField): FormFieldKind {
  if (kind !== FormFieldKind.UNSPECIFIED) return kind;
  return kindsOfTargets[customerField ?? '']?.[0] ?? FormFieldKind.TEXT;
}

/** The kinds that suit a target, the default first. All suit a custom field, whose definition checks the value. */
const kindsOfTargets: Readonly<Record<string, readonly FormFieldKind[]>> = {
  email: [FormFieldKind.EMAIL],
  phone: [FormFieldKind.PHONE],
  displayName: [FormFieldKind.TEXT],
  givenName: [FormFieldKind.TEXT],
  familyName: [FormFieldKind.TEXT],
  jobTitle: [FormFieldKind.TEXT, FormFieldKind.CHOICE],
  company: [FormFieldKind.TEXT, FormFieldKind.CHOICE],
  message: [FormFieldKind.LONG_TEXT, FormFieldKind.TEXT, FormFieldKind.CHOICE],
};

function fieldViolations(fields: readonly FormField[]): FieldViolation[] {
  const violations: FieldViolation[] = [];
  for (const name of ['key', 'customerField', 'leadField'] as const) {
    const values = fields.map((field) => field[name]);
    for (const [index, value] of values.entries()) {
      if (value === undefined || values.indexOf(value) === index) continue;
      violations.push(violation(`fields[${index}].${name}`, 'DUPLICATE', 'must be there once'));
    }
  }
  for (const [index, { kind, options, customerField, leadField }] of fields.entries()) {
    if (kind === FormFieldKind.CHOICE && options.length === 0) {
      violations.push(violation(`fields[${index}].options`, 'REQUIRED', 'must not be empty for a choice'));
    }
    const kinds = kindsOfTargets[customerField ?? ''] ?? kindsOfTargets[leadField ?? ''];
    if (kinds && !kinds.includes(kind)) {
      violations.push(violation(`fields[${index}].kind`, 'NOT_ALLOWED', 'must suit the field that takes the value'));
    }
  }
  if (!fields.some(({ customerField, isRequired }) => customerField === emailTarget && isRequired)) {
    violations.push(violation('fields', 'REQUIRED', 'must have a required field with the customerField email'));
  }
  return violations;
}

function textViolations({ texts }: Form): FieldViolation[] {
  const locales = texts.map(({ locale }) => locale);
  return locales.flatMap((locale, index) => {
    const field = `texts[${index}].locale`;
    if (canonicalLocale(locale) === undefined) {
      return [violation(field, 'LOCALE_UNKNOWN', 'must be a BCP 47 tag of a known language, such as de-DE')];
    }
    return locales.indexOf(locale) === index ? [] : [violation(field, 'DUPLICATE', 'must be there once')];
  });
}

function redirectViolations({ redirectUrl }: Form): FieldViolation[] {
  if (redirectUrl === undefined || /^https:\/\//i.test(redirectUrl)) return [];
  return [violation('redirectUrl', 'URL_NOT_ALLOWED', 'must be an https address')];
}

function violation(field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field, reason, description };
}
