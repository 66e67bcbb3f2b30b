import { field } from './field.js';
import { html, type Page } from './page.js';
import { workspaceField } from './sign-in-page.js';

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
  problem?: string,
  status = problem === undefined ? 200 : 400,
): Page {
  return {
    title: problem === undefined ? 'Forgotten password' : 'Forgotten password: please correct',
    status,
    body: html`<h1>${tenant ? `Choose a new password for ${tenant.name}` : 'Choose a new password'}</h1>
      <p>We send a link to the e-mail address that you sign in with.</p>
      <form method="post" action="${path}/forgotten-password">
        ${[
          ...(tenant ? [] : [workspaceField(workspace)]),
          field({
            name: 'email',
            label: 'E-mail address',
            type: 'email',
            autocomplete: 'username',
            maxLength: 254,
            value: email,
            problem,
            isFirst: problem !== undefined,
          }),
        ]}
        <button type="submit">Send the link</button>
      </form>
      <p><a href="${path}">Back to sign in</a></p>`,
  };
}

/** The same page whether the account exists or not. */
export function linkSentPage({ path }: InteractionRequest): Page {
  return {
    title: 'Check your mail',
    body: html`<h1>Check your mail</h1>
      <p>If an account with this address exists, we have sent a mail. Its link is valid for one hour.</p>
      <p class="note">No mail after a few minutes? Check the spam folder, or ask your admin.</p>
      <p><a href="${path}">Back to sign in</a></p>`,
  };
}
