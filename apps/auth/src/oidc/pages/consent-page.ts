import { html, type Page } from './page.js';

export interface ConsentOptions {
  /** Where its forms lead, without a slash at its end. */
  path: string;
  clientName: string;
  tenantName: string;
  /** What is asked for, such as `customers.read`. */
  permissions: readonly string[];
  /** Whether it may go on while nobody is signed in. */
  isOffline: boolean;
  formTargets: readonly string[];
}

/** Asks whether a client may have what it asks for. */
export function consentPage(options: ConsentOptions): Page {
  const { path, clientName, tenantName, permissions, isOffline, formTargets } = options;
  return {
    title: 'Allow access',
    formTargets,
    body: html`<h1>Allow ${clientName} to use ${tenantName}?</h1>
      <p>It asks to act for you, with your rights, and no more than this:</p>
      <ul>
        <li>know that it is you</li>
        ${permissions.map((permission) => html`<li>${permission}</li>`)}
        ${isOffline ? html`<li>do so while you are signed out, too</li>` : undefined}
      </ul>
      <form method="post" action="${path}/consent">
        <button type="submit">Allow</button>
      </form>
      <form method="post" action="${path}/cancel">
        <button type="submit" class="quiet">Cancel</button>
      </form>`,
  };
}
