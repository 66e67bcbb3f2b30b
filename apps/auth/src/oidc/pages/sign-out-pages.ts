import { html, type Page } from './page.js';

/** Asks whether somebody wants to sign out: a link of another site must not do it for them. */
export function signOutPage(xsrf: string): Page {
  return {
    title: 'Sign out',
    body: html`<h1>Do you want to sign out?</h1>
      <p>Programs that you have signed in to in this browser will ask you to sign in again.</p>
      <form method="post" action="/oauth/logout/confirm">
        <input type="hidden" name="xsrf" value="${xsrf}" />
        <button type="submit" name="logout" value="yes">Sign out</button>
      </form>
      <p class="note">To stay signed in, close this page.</p>`,
  };
}

export function signedOutPage(): Page {
  return {
    title: 'You are signed out',
    body: html`<h1>You are signed out</h1>
      <p>You can close this page.</p>`,
  };
}
