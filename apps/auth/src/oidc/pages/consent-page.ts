import { html, type Page } from './page.js';

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
    title: 'Allow access',
    formTargets,
    body: html`<h1>Allow ${clientName} to use ${tenant?.name}?</h1>
      <p>It requests to act for you, within your rights, and only to:</p>
      <ul>
        <li>verify your identity</li>
        ${permissions.map((permission) => html`<li>${permission}</li>`)}
        ${isOffline ? html`<li>continue while you are signed out</li>` : undefined}
      </ul>
      <form method="post" action="${path}/consent">
        <button type="submit">Allow</button>
      </form>
      <form method="post" action="${path}/cancel">
        <button type="submit" class="quiet">Cancel</button>
      </form>`,
  };
}
