import { html } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';
import { emailField, workspaceField } from '../look/field.js';
import type { Page } from '../look/page.js';

interface InteractionRequest {
  /** Path of its forms, without a trailing slash. */
  path: string;
  /** Absent for the console, whose page asks for the workspace. */
  tenant: { name: string } | undefined;
  workspace: string;
}

/** Asks for the e-mail address to send a password reset link to. */
export function forgottenPasswordPage(
  { path, tenant, workspace }: InteractionRequest,
  email: string,
  problem?: (texts: Texts) => string,
  status = problem === undefined ? 200 : 400,
): Page {
  return {
    title: ({ forgotten, pleaseCorrect }) => (problem === undefined ? forgotten.title : pleaseCorrect(forgotten.title)),
    status,
    body: (texts) => {
      const { forgotten, fields } = texts;
      const faulty = { problem: problem?.(texts), isFirst: problem !== undefined };
      return html`<h1>${forgotten.heading(tenant?.name)}</h1>
        <p>${forgotten.lead}</p>
        <form method="post" action="${path}/forgotten-password">
          ${[...(tenant ? [] : [workspaceField(fields, workspace)]), emailField(fields, email, faulty)]}
          <button type="submit">${forgotten.submit}</button>
        </form>
        <p><a href="${path}">${forgotten.back}</a></p>`;
    },
  };
}

/** The same page whether the account exists or not. */
export function linkSentPage({ path }: InteractionRequest): Page {
  return {
    title: ({ forgotten }) => forgotten.sent,
    body: ({ forgotten }) =>
      html`<h1>${forgotten.sent}</h1>
        <p>${forgotten.sentLead}</p>
        <p class="note">${forgotten.sentNote}</p>
        <p><a href="${path}">${forgotten.back}</a></p>`,
  };
}
