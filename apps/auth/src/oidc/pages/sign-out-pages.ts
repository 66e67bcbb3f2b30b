import { html } from '@rapport/platform';
import type { Page } from '../look/page.js';

/** Asks for confirmation, since a link on another site must not sign users out. */
export function signOutPage(xsrf: string): Page {
  return {
    title: ({ signOut }) => signOut.title,
    body: ({ signOut }) =>
      html`<h1>${signOut.heading}</h1>
        <p>${signOut.lead}</p>
        <form method="post" action="/oauth/logout/confirm">
          <input type="hidden" name="xsrf" value="${xsrf}" />
          <button type="submit" name="logout" value="yes">${signOut.submit}</button>
        </form>
        <p class="note">${signOut.note}</p>`,
  };
}

export function signedOutPage(): Page {
  return {
    title: ({ signOut }) => signOut.done,
    body: ({ signOut }) =>
      html`<h1>${signOut.done}</h1>
        <p>${signOut.doneLead}</p>`,
  };
}
