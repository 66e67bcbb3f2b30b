import { html, type Page } from './page.js';

export interface SignInOptions {
  /** Where its forms lead, without a slash at its end. */
  path: string;
  clientName: string;
  tenantName: string;
  /** What was typed before. */
  email: string;
  /** What was wrong with it. */
  problem?: string;
  status?: number;
  formTargets: readonly string[];
}

/** Asks who somebody is. */
export function signInPage({ path, clientName, tenantName, email, problem, status, formTargets }: SignInOptions): Page {
  return {
    title: problem === undefined ? 'Sign in' : 'Sign in: please try again',
    ...(status === undefined ? {} : { status }),
    formTargets,
    body: html`<h1>Sign in to ${tenantName}</h1>
      <p class="note">to go on to ${clientName}</p>
      ${problem === undefined ? undefined : html`<p role="alert" id="problem">${problem}</p>`}
      <form method="post" action="${path}/sign-in">
        <label for="email">E-mail address</label>
        <input
          id="email"
          name="email"
          type="email"
          autocomplete="username"
          maxlength="254"
          required
          value="${email}"
          ${problem === undefined ? undefined : html`aria-describedby="problem"`}
        />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          maxlength="1000"
          required
          ${problem === undefined ? undefined : html`aria-describedby="problem"`}
        />
        <label for="code">Code of your authenticator app, if you use one</label>
        <input id="code" name="code" type="text" autocomplete="one-time-code" maxlength="100" />
        <button type="submit">Sign in</button>
      </form>
      <form method="post" action="${path}/cancel">
        <button type="submit" class="quiet">Cancel</button>
      </form>`,
  };
}
