import { html, type Page } from './page.js';

/**
 * The page for an error that cannot be returned to a client by a redirect.
 *
 * @param error OAuth error code, such as `invalid_client`
 */
export function errorPage(error: string, description: string | undefined, status: number): Page {
  return {
    title: 'Request failed',
    status,
    body: html`<h1>Request failed</h1>
      <p>The app that sent you here made an invalid request. Go back to it and try again.</p>
      <p class="note">For its developers: ${error}${description === undefined ? '' : ` (${description})`}</p>`,
  };
}

/** The page for an interaction that has expired or belongs to another browser. */
export function expiredPage(): Page {
  return {
    title: 'This page has expired',
    status: 400,
    body: html`<h1>This page has expired</h1>
      <p>It took too long, or is already complete. Go back to the app that sent you here and start again.</p>`,
  };
}

/** The page for a form whose Origin header is another site. */
export function foreignFormPage(): Page {
  return errorPage('invalid_request', 'The form comes from another site.', 403);
}
