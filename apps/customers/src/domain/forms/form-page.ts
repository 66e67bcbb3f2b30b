import { FormFieldKind, FormProof, type Form, type FormField } from '@rapport/contracts/rapport/marketing/v1/form';
import { html, Html, publicPage, type WrittenPage } from '@rapport/platform';
import type { PageTexts } from './form-texts.js';
import { longestOf, pageNames, type SentForm } from './form-values.js';
import { proofScript } from './proof-script.js';

/** What a page shows of an earlier attempt. */
export interface Attempt extends SentForm {
  /** Whether nothing is wrong with its values: the visitor only has to send them again. */
  isComplete: boolean;
}

/** The page of a form. @param ticket see form-tickets.ts */
export function formPage(form: Form, texts: PageTexts, ticket: string, attempt?: Attempt): WrittenPage {
  const hasProof = form.proof === FormProof.POW;
  const body = html`<h1>${texts.title}</h1>
    ${texts.description === undefined ? undefined : html`<p class="lead">${texts.description}</p>`}
    ${attempt ? html`<p role="alert">${texts.again}</p>` : undefined}
    ${hasProof ? html`<noscript><p role="alert">${texts.script}</p></noscript>` : undefined}
    ${formOf(form, texts, { attempt, ticket })}`;
  const script = hasProof ? proofScript : undefined;
  return publicPage({ language: texts.locale, title: texts.title, body, style, script });
}

function formOf(
  form: Form,
  texts: PageTexts,
  { attempt, ticket }: { attempt: Attempt | undefined; ticket: string },
): Html {
  const hasProof = form.proof === FormProof.POW;
  return html`<form method="post" ${hasProof ? new Html(' data-proof') : undefined}>
    ${form.fields.map((field) => fieldOf(field, texts, attempt))} ${topicsOf(form, texts, attempt)}
    <label class="apart" aria-hidden="true"
      >${texts.honeypot} <input name="${pageNames.honeypot}" tabindex="-1" autocomplete="off" /></label
    ><input type="hidden" name="${pageNames.ticket}" value="${ticket}" />${
      hasProof ? html`<input type="hidden" name="${pageNames.proof}" value="" />` : undefined
    }
    <button>${texts.button}</button>
  </form>`;
}

/** The page that takes no submissions any more. */
export function closedPage(texts: PageTexts): WrittenPage {
  return messagePage(texts, texts.closed);
}

/** The page after a submission. */
export function thanksPage(texts: PageTexts, isPending: boolean): WrittenPage {
  return messagePage(texts, texts.thanks, isPending ? texts.confirm : undefined);
}

function messagePage({ locale, title }: PageTexts, message: string, more?: string): WrittenPage {
  const body = html`<h1>${title}</h1>
    <p role="status">${message}</p>
    ${more === undefined ? undefined : html`<p>${more}</p>`}`;
  return publicPage({ language: locale, title, body, style });
}

function topicsOf({ topicKeys }: Form, texts: PageTexts, attempt: Attempt | undefined): Html | undefined {
  if (topicKeys.length === 0) return undefined;
  return html`<fieldset>
    <legend>${texts.consent}</legend>
    ${topicKeys.map((key) => {
      const isChosen = attempt?.topicKeys.includes(key);
      const name = `${pageNames.topic}${key}`;
      return html`<label class="box"
        ><input type="checkbox" name="${name}" value="true" ${flag('checked', isChosen)} /> ${texts.label(key)}</label
      >`;
    })}
  </fieldset>`;
}

function fieldOf(field: FormField, texts: PageTexts, attempt: Attempt | undefined): Html {
  const { key, kind, isRequired } = field;
  const fault = attempt?.faults.get(key);
  const note = fault && html`<span class="fault" id="${key}-fault">${texts[fault]}</span>`;
  const described = attribute('aria-describedby', fault && `${key}-fault`);
  const invalid = fault && new Html(' aria-invalid="true"');
  const common = html` name="${key}"${flag('required', isRequired)}${invalid}${described}`;
  const value = attempt?.values.get(key) ?? '';
  if (kind === FormFieldKind.CHECKBOX) {
    return html`<label class="box"
      ><input type="checkbox" ${common} value="true" ${flag('checked', value !== '')} /> ${texts.label(key)}
      ${note}</label
    >`;
  }
  const mark = isRequired ? undefined : html` <span class="quiet">(${texts.optional})</span>`;
  return html`<label
    ><span>${texts.label(key)}${mark}</span> ${control(field, texts, { common, value })} ${note}</label
  >`;
}

function control(
  { kind, options, customerField, leadField }: FormField,
  { choose }: PageTexts,
  { common, value }: { common: Html; value: string },
): Html {
  const length = String(longestOf(kind));
  if (kind === FormFieldKind.LONG_TEXT)
    return html`<textarea${common} rows="5" maxlength="${length}">${value}</textarea>`;
  if (kind === FormFieldKind.CHOICE) {
    const shown = options.map((option) => html`<option${flag('selected', option === value)}>${option}</option>`);
    return html`<select${common}><option value="">${choose}</option>${shown}</select>`;
  }
  const completed = attribute('autocomplete', completions[customerField ?? leadField ?? '']);
  const more = html`${attribute('type', inputTypes[FormFieldKind[kind]])}${attribute('step', kind === FormFieldKind.NUMBER ? 'any' : undefined)}`;
  return html`<input${common}${more}${completed} value="${value}" maxlength="${length}" />`;
}

const inputTypes: Readonly<Record<string, string>> = { EMAIL: 'email', PHONE: 'tel', NUMBER: 'number', DATE: 'date' };

/** Names of the HTML standard, section "Autofill". */
const completions: Readonly<Record<string, string>> = {
  ...{ email: 'email', phone: 'tel', displayName: 'name', givenName: 'given-name', familyName: 'family-name' },
  ...{ jobTitle: 'organization-title', company: 'organization' },
};

function attribute(name: string, value: string | undefined): Html | undefined {
  return value === undefined ? undefined : html` ${new Html(name)}="${value}"`;
}

function flag(name: string, isSet: boolean | undefined): Html | undefined {
  return isSet ? new Html(` ${name}`) : undefined;
}

const style = `
main { max-width: 36rem; }
form { display: grid; gap: 1.25rem; margin-top: 1.5rem; }
.lead { white-space: pre-line; }
fieldset { display: grid; gap: .5rem; margin: 0; padding: 0; border: 0; }
legend { padding: 0 0 .5rem; color: var(--text-2); }
select { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; font: inherit; color: var(--text); background: var(--raised);
  border: 1px solid var(--line-control); border-radius: 6px; }
select:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.box { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; min-height: 2.75rem; color: var(--text); cursor: pointer; }
.box input { width: 1.125rem; min-height: 1.125rem; margin: 0; accent-color: var(--accent-fill); }
.apart { position: absolute; left: -100vw; }
.fault { color: var(--danger); }
[aria-invalid] { border-color: var(--danger); }
form button { justify-self: start; }
@media (max-width: 45em) { form button { width: 100%; } }
`;
