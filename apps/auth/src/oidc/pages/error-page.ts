import { html, type Page } from './page.js';

/**
 * What somebody sees whose request leads nowhere: there is no client that could be told instead.
 *
 * @param error as OAuth names it, such as `invalid_client`
 */
export function errorPage(error: string, description: string | undefined, status: number): Page {
  return {
    title: 'This did not work',
    status,
    body: html`<h1>This did not work</h1>
      <p>The program that sent you here asked for something that is not possible. Go back to it and try again.</p>
      <p class="note">For its makers: ${error}${description === undefined ? '' : ` (${description})`}</p>`,
  };
}

/** What somebody sees who took too long, or uses an address of another browser. */
export function expiredPage(): Page {
  return {
    title: 'This page has expired',
    status: 400,
    body: html`<h1>This page has expired</h1>
      <p>You took too long, or have finished already. Go back to the program that sent you here and start again.</p>`,
  };
}

/** What somebody sees whose browser says that the form is not of ours. */
export function foreignFormPage(): Page {
  return errorPage('invalid_request', 'The form comes from another site.', 403);
}
