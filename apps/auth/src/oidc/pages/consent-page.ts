import { html } from '@rapport/platform';
import type { Page } from '../look/page.js';

export interface ConsentOptions {
  /** Path of its forms, without a trailing slash. */
  path: string;
  clientName: string;
  tenant: { name: string } | undefined;
  /** Requested permissions, such as `customers.read`. */
  permissions: readonly string[];
  /** Whether access continues after the user signs out. */
  isOffline: boolean;
  formTargets: readonly string[];
}

/** Asks for consent to the requested access. */
export function consentPage(options: ConsentOptions): Page {
  const { path, clientName, tenant, permissions, isOffline, formTargets } = options;
  return {
    title: ({ consent }) => consent.title,
    formTargets,
    body: ({ consent }) =>
      html`<h1>${consent.heading(clientName, tenant?.name ?? '')}</h1>
        <p>${consent.lead}</p>
        <ul>
          <li class="plain">${consent.identity}</li>
          ${permissions.map((permission) => html`<li>${permission}</li>`)}
          ${isOffline ? html`<li class="plain">${consent.offline}</li>` : undefined}
        </ul>
        <form method="post" action="${path}/consent">
          <button type="submit">${consent.allow}</button>
        </form>
        <form method="post" action="${path}/cancel">
          <button type="submit" class="quiet">${consent.cancel}</button>
        </form>`,
  };
}
