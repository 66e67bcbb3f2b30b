import { field } from './field.js';
import { html, type Page } from './page.js';

/** Errors of the previous submission. */
export interface Submission {
  /** Sentences by the name of the field. */
  problems: Readonly<Record<string, string>>;
  /** An error that belongs to no field. */
  problem?: string | undefined;
  status: number;
}

const passwordHint = 'At least 8 characters. A few unrelated words are secure and easy to remember.';

/** Asks an invited user for a name and a password. */
export function invitationPage(
  invited: { token: string; email: string; displayName: string; tenantName: string },
  submission: Submission,
): Page {
  const { token, email, displayName, tenantName } = invited;
  const { problems, problem, status } = submission;
  return {
    title: titleOf('Accept your invitation', submission),
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
          newPasswordField('Password', submission),
        ]}
        <button type="submit">Accept the invitation</button>
      </form>`,
  };
}

/** Asks for a new password after a reset link. */
export function passwordResetPage({ token, email }: { token: string; email: string }, submission: Submission): Page {
  const { problem, status } = submission;
  return {
    title: titleOf('Choose a new password', submission),
    status,
    body: html`<h1>Choose a new password</h1>
      <p>For ${email}. This signs you out everywhere. Then sign in with the new password.</p>
      ${problem === undefined ? undefined : html`<p role="alert">${problem}</p>`}
      <form method="post" action="/oauth/password-reset">
        <input type="hidden" name="token" value="${token}" />
        ${newPasswordField('New password', submission)}
        <button type="submit">Save the password</button>
      </form>`,
  };
}

/** Confirms that the form of a mailed link is complete. */
export function completedPage(title: string): Page {
  return {
    title,
    body: html`<h1>${title}</h1>
      <p>You can close this page and sign in from the app that you want to use.</p>`,
  };
}

/** The page for a link that was used, has expired, or was replaced. */
export function invalidLinkPage(): Page {
  return {
    title: 'This link no longer works',
    status: 400,
    body: html`<h1>This link no longer works</h1>
      <p>It was used, has expired, or was replaced by a newer one.</p>
      <p>
        If you forgot your password, request another link on the sign-in page. If you were invited, ask your admin for a
        new invitation.
      </p>`,
  };
}

function titleOf(title: string, { problems, problem }: Submission): string {
  return problem === undefined && Object.keys(problems).length === 0 ? title : `${title}: please correct`;
}

function newPasswordField(label: string, { problems }: Submission) {
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
