import { html, type Page } from './page.js';

/** Asks for confirmation, since a link on another site must not sign users out. */
export function signOutPage(xsrf: string): Page {
  return {
    title: 'Sign out',
    body: html`<h1>Do you want to sign out?</h1>
      <p>Apps that you use in this browser will ask you to sign in again.</p>
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
