import { field } from './field.js';
import { html, type Page } from './page.js';

interface Visit {
  /** Where its forms lead, without a slash at its end. */
  path: string;
  tenantName: string;
}

/** Asks where to send a link by which a password can be chosen. */
export function forgottenPasswordPage(
  { path, tenantName }: Visit,
  email: string,
  problem?: string,
  status = problem === undefined ? 200 : 400,
): Page {
  return {
    title: problem === undefined ? 'Forgotten password' : 'Forgotten password: please correct',
    status,
    body: html`<h1>Choose a new password for ${tenantName}</h1>
      <p>We send a link by which you can do so to the e-mail address that you sign in with.</p>
      <form method="post" action="${path}/forgotten-password">
        ${field({
          name: 'email',
          label: 'E-mail address',
          type: 'email',
          autocomplete: 'username',
          maxLength: 254,
          value: email,
          problem,
          isFirst: problem !== undefined,
        })}
        <button type="submit">Send the link</button>
      </form>
      <p><a href="${path}">Back to sign in</a></p>`,
  };
}

/** Says the same whether there is such an account or not. */
export function linkSentPage({ path }: Visit): Page {
  return {
    title: 'Look at your mail',
    body: html`<h1>Look at your mail</h1>
      <p>If there is an account with this address, a mail is on its way. The link in it is good for an hour.</p>
      <p class="note">Nothing there after some minutes? Look among the unwanted mail, or ask whoever invited you.</p>
      <p><a href="${path}">Back to sign in</a></p>`,
  };
}
