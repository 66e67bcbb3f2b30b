import { html, type FieldViolation, type Html } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';
import { field } from '../look/field.js';
import type { Page } from '../look/page.js';

/** Errors of the previous submission. */
export interface Submission {
  /** Violations by the name of the field. */
  problems: Readonly<Record<string, FieldViolation>>;
  /** An error that belongs to no field. */
  problem?: ((texts: Texts) => string) | undefined;
  status: number;
}

/** Asks an invited user for a name and a password. */
export function invitationPage(
  invited: { token: string; email: string; displayName: string; tenantName: string },
  submission: Submission,
): Page {
  const { token, email, displayName, tenantName } = invited;
  const { problems, problem, status } = submission;
  return {
    title: (texts) => titleOf(texts.invitation.title, texts, submission),
    status,
    body: (texts) => {
      const { invitation, fields } = texts;
      return html`<h1>${invitation.heading(tenantName)}</h1>
        <p>${invitation.lead(email)}</p>
        ${problem && html`<p role="alert">${problem(texts)}</p>`}
        <form method="post" action="/oauth/invitation">
          <input type="hidden" name="token" value="${token}" />
          ${[
            field({
              name: 'displayName',
              label: fields.displayName,
              type: 'text',
              autocomplete: 'name',
              value: displayName,
              problem: problems['displayName'] && texts.violation(problems['displayName']),
              isFirst: problems['displayName'] !== undefined,
            }),
            newPasswordField(fields.password, texts, submission),
          ]}
          <button type="submit">${invitation.submit}</button>
        </form>`;
    },
  };
}

/** Asks for a new password after a reset link. */
export function passwordResetPage({ token, email }: { token: string; email: string }, submission: Submission): Page {
  const { problem, status } = submission;
  return {
    title: (texts) => titleOf(texts.reset.title, texts, submission),
    status,
    body: (texts) =>
      html`<h1>${texts.reset.title}</h1>
        <p>${texts.reset.lead(email)}</p>
        ${problem && html`<p role="alert">${problem(texts)}</p>`}
        <form method="post" action="/oauth/password-reset">
          <input type="hidden" name="token" value="${token}" />
          ${newPasswordField(texts.fields.newPassword, texts, submission)}
          <button type="submit">${texts.reset.submit}</button>
        </form>`,
  };
}

/** Confirms that the form of a mailed link is complete. */
export function completedPage(titleIn: (texts: Texts) => string): Page {
  return {
    title: titleIn,
    body: (texts) =>
      html`<h1>${titleIn(texts)}</h1>
        <p>${texts.done}</p>`,
  };
}

/** The page for a link that was used, has expired, or was replaced. */
export function invalidLinkPage(): Page {
  return {
    title: ({ invalidLink }) => invalidLink.title,
    status: 400,
    body: ({ invalidLink }) =>
      html`<h1>${invalidLink.title}</h1>
        <p>${invalidLink.lead}</p>
        <p>${invalidLink.note}</p>`,
  };
}

function titleOf(title: string, { pleaseCorrect }: Texts, { problems, problem }: Submission): string {
  return problem === undefined && Object.keys(problems).length === 0 ? title : pleaseCorrect(title);
}

function newPasswordField(label: string, { fields, violation }: Texts, { problems }: Submission): Html {
  const { displayName, password } = problems;
  return field({
    name: 'password',
    label,
    type: 'password',
    autocomplete: 'new-password',
    hint: fields.passwordHint,
    problem: password && violation(password),
    isFirst: password !== undefined && displayName === undefined,
  });
}
