import { html, type Html } from './page.js';

export interface Field {
  /** Of the form; its id on the page too. */
  name: string;
  label: string;
  type: 'email' | 'password' | 'text';
  /** What browsers and password managers go by (WCAG 2.2, 1.3.5). */
  autocomplete: string;
  value?: string | undefined;
  /** Not for a password that somebody chooses: browsers cut off what is longer without a word. */
  maxLength?: number;
  /** Whether it may be left empty. */
  isOptional?: boolean;
  hint?: string;
  /** What is wrong with what was typed. */
  problem?: string | undefined;
  /** Whether it is the first thing on the page that is to be looked at. */
  isFirst?: boolean;
  /** Id of a part of the page that says what is wrong with several fields. */
  describedBy?: string | undefined;
}

/** A field with its label, what to know of it, and beside it what is wrong with what was typed (WCAG 2.2, 3.3.1). */
export function field(options: Field): Html {
  const { name, label, type, autocomplete, value, maxLength, isOptional, hint, problem, isFirst, describedBy } =
    options;
  const described = [
    ...(hint === undefined ? [] : [`${name}-hint`]),
    ...(problem === undefined ? [] : [`${name}-problem`]),
    ...(describedBy === undefined ? [] : [describedBy]),
  ];
  return html`<label for="${name}">${label}</label>
    ${hint === undefined ? undefined : html`<p class="note" id="${name}-hint">${hint}</p>`}
    ${problem === undefined ? undefined : html`<p class="problem" id="${name}-problem">${problem}</p>`}
    <input
      id="${name}"
      name="${name}"
      type="${type}"
      autocomplete="${autocomplete}"
      ${maxLength === undefined ? undefined : html`maxlength="${String(maxLength)}"`}
      ${isOptional === true ? undefined : html`required`}
      ${value === undefined ? undefined : html`value="${value}"`}
      ${problem === undefined ? undefined : html`aria-invalid="true"`}
      ${described.length === 0 ? undefined : html`aria-describedby="${described.join(' ')}"`}
      ${isFirst === true ? html`autofocus` : undefined}
    />`;
}
