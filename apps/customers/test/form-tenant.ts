import { createHash } from 'node:crypto';
import { Form, FormField, FormProof, FormState } from '@rapport/contracts/rapport/marketing/v1/form';
import type { FormSubmission } from '@rapport/contracts/rapport/marketing/v1/form_submission';
import { readPage, type Page } from './public-pages.js';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant of its own with forms, and visitors of their pages. */
export class FormTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  /** An active form without proof, unless something else is given. */
  createForm(given: Partial<Form> = {}): Promise<Form> {
    const form = newForm({ state: FormState.ACTIVE, proof: FormProof.NONE, ...given });
    return this.service.call('createForm', { form }, this.caller);
  }

  async submissions(): Promise<FormSubmission[]> {
    const request = { orderBy: 'createTime', pageSize: 200 };
    return (await this.service.call('listFormSubmissions', request, this.caller)).formSubmissions;
  }

  show({ token }: Form, acceptLanguage?: string): Promise<Page> {
    return readPage(this.service, 'showFormPage', { token, acceptLanguage });
  }

  /** Sends a form as a browser does. */
  submit({ token }: Form, values: Readonly<Record<string, string>>, acceptLanguage?: string): Promise<Page> {
    const data = Buffer.from(new URLSearchParams(values).toString());
    const form = { contentType: 'application/x-www-form-urlencoded', data, extensions: [] };
    return readPage(this.service, 'submitFormPage', { token, form, acceptLanguage });
  }

  /** Loads the page of a form, does its work, fills it in, and sends it. */
  async visit(form: Form, values: Readonly<Record<string, string>>): Promise<Page> {
    const ticket = ticketIn(await this.show(form));
    const _proof = form.proof === FormProof.POW ? provenBy(ticket) : '';
    return this.submit(form, { ...values, _ticket: ticket, _proof });
  }
}

/** A form as a request has it. */
export function newForm(given: Partial<Form> = {}): Form {
  const fields = [field('email', { isRequired: true, customerField: 'email', label: 'Your e-mail' })];
  return { ...Form.decode(new Uint8Array()), key: 'newsletter', name: 'Newsletter', fields, ...given };
}

export function field(key: string, given: Partial<FormField> = {}): FormField {
  return { ...FormField.decode(new Uint8Array()), key, label: key, ...given };
}

export function ticketIn({ text }: Page): string {
  return /name="_ticket" value="([\w-]+)"/.exec(text)?.[1] ?? '';
}

/** Does the work of a page, written apart from what checks it. */
export function provenBy(ticket: string): string {
  for (let tried = 0; ; tried += 1) {
    const bits = BigInt(`0x${createHash('sha256').update(`${ticket}:${tried}`).digest('hex')}`);
    if (bits >> 241n === 0n) return String(tried);
  }
}
