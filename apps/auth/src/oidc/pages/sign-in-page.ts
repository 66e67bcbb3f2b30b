import { html } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';
import { emailField, field, workspaceField } from '../look/field.js';
import type { Page } from '../look/page.js';

export interface SignInOptions {
  /** Path of its forms, without a trailing slash. */
  path: string;
  clientName: string;
  /** Absent for the console, whose page asks for the workspace. */
  tenant: { name: string } | undefined;
  workspace: string;
  /** The address of the previous attempt. */
  email: string;
  /** The error of the previous attempt. */
  problem?: (texts: Texts) => string;
  status?: number;
  formTargets: readonly string[];
}

/** Asks for credentials. */
export function signInPage(options: SignInOptions): Page {
  const { path, clientName, tenant, problem, status, formTargets } = options;
  return {
    title: ({ signIn }) => (problem === undefined ? signIn.title : signIn.again),
    ...(status === undefined ? {} : { status }),
    formTargets,
    body: (texts) => {
      const { signIn } = texts;
      return html`<h1>${signIn.heading(tenant?.name ?? clientName)}</h1>
        ${tenant && html`<p>${signIn.continueTo(clientName)}</p>`}
        ${problem && html`<p role="alert" id="problem">${problem(texts)}</p>`}
        <form method="post" action="${path}/sign-in">
          ${fieldsOf(options, texts)}
          <button type="submit">${signIn.submit}</button>
        </form>
        <form method="post" action="${path}/cancel">
          <button type="submit" class="quiet">${signIn.cancel}</button>
        </form>`;
    },
  };
}

/** The first empty field has the focus. */
function fieldsOf({ path, tenant, workspace, email, problem }: SignInOptions, { fields, signIn }: Texts) {
  // The error describes all fields: it must not reveal which one is wrong.
  const describedBy = problem === undefined ? undefined : 'problem';
  const asksWorkspace = !tenant;
  const first = asksWorkspace && workspace === '' ? 'workspace' : email === '' ? 'email' : 'password';
  return [
    ...(asksWorkspace ? [workspaceField(fields, workspace, { isFirst: first === 'workspace', describedBy })] : []),
    emailField(fields, email, { isFirst: first === 'email', describedBy }),
    field({
      name: 'password',
      label: fields.password,
      type: 'password',
      autocomplete: 'current-password',
      maxLength: 1_000,
      beside: html`<a href="${path}/forgotten-password">${signIn.forgotten}</a>`,
      isFirst: first === 'password',
      describedBy,
    }),
    field({
      name: 'code',
      label: fields.code,
      type: 'text',
      autocomplete: 'one-time-code',
      maxLength: 100,
      isOptional: true,
      beside: html`<span>${fields.codeHint}</span>`,
    }),
  ];
}
