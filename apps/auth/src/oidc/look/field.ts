import { html, type Html } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';

export interface Field {
  /** Name in the form, and id on the page. */
  name: string;
  label: string;
  type: 'email' | 'password' | 'text';
  /** For browsers and password managers (WCAG 2.2, 1.3.5). */
  autocomplete: string;
  value?: string | undefined;
  /** Not for new passwords: browsers silently truncate longer input. */
  maxLength?: number;
  /** Whether it may be empty. */
  isOptional?: boolean;
  hint?: string;
  /** Next to the label, at the end of the line. */
  beside?: Html;
  /** The error of the entered value. */
  problem?: string | undefined;
  /** Whether it receives the focus. */
  isFirst?: boolean;
  /** Id of an element with an error of several fields. */
  describedBy?: string | undefined;
}

/** A field with label, hint and error (WCAG 2.2, 3.3.1). */
export function field(options: Field): Html {
  const { name, label, type, autocomplete, value, maxLength, isOptional, hint, beside, problem, isFirst, describedBy } =
    options;
  const described = [
    ...(hint === undefined ? [] : [`${name}-hint`]),
    ...(problem === undefined ? [] : [`${name}-problem`]),
    ...(describedBy === undefined ? [] : [describedBy]),
  ];
  return html`<div class="field">
    <div class="head"><label for="${name}">${label}</label>${beside}</div>
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
    />
  </div>`;
}

type Differences = Pick<Field, 'problem' | 'isFirst' | 'describedBy'>;

/** Asks for the e-mail address of an account. */
export function emailField({ email: label }: Texts['fields'], value: string, differences: Differences = {}): Html {
  const common = { name: 'email', label, type: 'email', autocomplete: 'username', maxLength: 254 } as const;
  return field({ ...common, value, ...differences });
}

/** Asks for the name of the workspace. */
export function workspaceField(
  { workspace: label }: Texts['fields'],
  value: string,
  differences: Differences = {},
): Html {
  const common = { name: 'workspace', label, type: 'text', autocomplete: 'organization', maxLength: 63 } as const;
  return field({ ...common, value, ...differences });
}
