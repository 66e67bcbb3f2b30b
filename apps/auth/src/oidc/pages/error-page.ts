import { html } from '@rapport/platform';
import type { Page } from '../look/page.js';

/**
 * The page for an error that cannot be returned to a client by a redirect.
 *
 * @param error OAuth error code, such as `invalid_client`
 */
export function errorPage(error: string, description: string | undefined, status: number): Page {
  const fault = `${error}${description === undefined ? '' : ` (${description})`}`;
  return {
    title: ({ failed }) => failed.title,
    status,
    body: ({ failed }) =>
      html`<h1>${failed.title}</h1>
        <p>${failed.lead}</p>
        <p class="note">${failed.forDevelopers(fault)}</p>`,
  };
}

/** The page for an interaction that has expired or belongs to another browser. */
export function expiredPage(): Page {
  return {
    title: ({ expired }) => expired.title,
    status: 400,
    body: ({ expired }) =>
      html`<h1>${expired.title}</h1>
        <p>${expired.lead}</p>`,
  };
}

/** The page for a form whose Origin header is another site. */
export function foreignFormPage(): Page {
  return errorPage('invalid_request', 'The form comes from another site.', 403);
}
