import { field } from './field.js';
import { html, type Page } from './page.js';

/** What was typed before, and what is wrong with it. */
export interface Typed {
  /** By the name of the field, a sentence. */
  problems: Readonly<Record<string, string>>;
  /** What is wrong with none of the fields. */
  problem?: string | undefined;
  status: number;
}

const passwordHint = 'At least 8 characters. A few words that do not belong together are good, and easy to remember.';

/** Asks somebody who was invited for what makes an account. */
export function invitationPage(
  invited: { token: string; email: string; displayName: string; tenantName: string },
  typed: Typed,
): Page {
  const { token, email, displayName, tenantName } = invited;
  const { problems, problem, status } = typed;
  return {
    title: titleOf('Accept your invitation', typed),
    status,
    body: html`<h1>Welcome to ${tenantName}</h1>
      <p>You have been invited as ${email}. Choose a password to sign in with.</p>
      ${problem === undefined ? undefined : html`<p role="alert">${problem}</p>`}
      <form method="post" action="/oauth/invitation">
        <input type="hidden" name="token" value="${token}" />
        ${[
          field({
            name: 'displayName',
            label: 'Your name',
            type: 'text',
            autocomplete: 'name',
            value: displayName,
            problem: problems['displayName'],
            isFirst: problems['displayName'] !== undefined,
          }),
          newPasswordField('Password', typed),
        ]}
        <button type="submit">Accept the invitation</button>
      </form>`,
  };
}

/** Asks for the password that is to take the place of a forgotten one. */
export function passwordResetPage({ token, email }: { token: string; email: string }, typed: Typed): Page {
  const { problem, status } = typed;
  return {
    title: titleOf('Choose a new password', typed),
    status,
    body: html`<h1>Choose a new password</h1>
      <p>For ${email}. You will be signed out everywhere, and sign in with the new password from then on.</p>
      ${problem === undefined ? undefined : html`<p role="alert">${problem}</p>`}
      <form method="post" action="/oauth/password-reset">
        <input type="hidden" name="token" value="${token}" />
        ${newPasswordField('New password', typed)}
        <button type="submit">Save the password</button>
      </form>`,
  };
}

/** What somebody sees who has done what the link of a mail was for. */
export function donePage(title: string): Page {
  return {
    title,
    body: html`<h1>${title}</h1>
      <p>You can close this page, and sign in from the program that you want to use.</p>`,
  };
}

/** What somebody sees whose link is used, too old, or not the newest. */
export function linkOverPage(): Page {
  return {
    title: 'This link no longer works',
    status: 400,
    body: html`<h1>This link no longer works</h1>
      <p>It was used, is too old, or a newer one was sent.</p>
      <p>
        If you have forgotten your password, ask for another link where you sign in. If you were invited, ask whoever
        invited you.
      </p>`,
  };
}

function titleOf(title: string, { problems, problem }: Typed): string {
  return problem === undefined && Object.keys(problems).length === 0 ? title : `${title}: please correct`;
}

function newPasswordField(label: string, { problems }: Typed) {
  const { displayName, password } = problems;
  return field({
    name: 'password',
    label,
    type: 'password',
    autocomplete: 'new-password',
    hint: passwordHint,
    problem: password,
    isFirst: password !== undefined && displayName === undefined,
  });
}
