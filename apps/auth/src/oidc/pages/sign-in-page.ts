import { field } from './field.js';
import { html, type Html, type Page } from './page.js';

export interface SignInOptions {
  /** Path of its forms, without a trailing slash. */
  path: string;
  clientName: string;
  /** Absent for the console, whose page asks for the workspace. */
  tenant: { name: string } | undefined;
  workspace: string;
  /** The address of the previous attempt. */
  email: string;
  /** The error of the previous attempt. */
  problem?: string;
  status?: number;
  formTargets: readonly string[];
}

/** Asks for credentials. */
export function signInPage(options: SignInOptions): Page {
  const { path, clientName, tenant, workspace, email, problem, status, formTargets } = options;
  // The error describes all fields: it must not reveal which one is wrong.
  const describedBy = problem === undefined ? undefined : 'problem';
  return {
    title: problem === undefined ? 'Sign in' : 'Sign in: please try again',
    ...(status === undefined ? {} : { status }),
    formTargets,
    body: html`<h1>Sign in to ${tenant?.name ?? clientName}</h1>
      ${tenant && html`<p class="note">to continue to ${clientName}</p>`}
      ${problem === undefined ? undefined : html`<p role="alert" id="problem">${problem}</p>`}
      <form method="post" action="${path}/sign-in">
        ${[
          ...(tenant ? [] : [workspaceField(workspace)]),
          field({
            name: 'email',
            label: 'E-mail address',
            type: 'email',
            autocomplete: 'username',
            maxLength: 254,
            value: email,
            describedBy,
          }),
          field({
            name: 'password',
            label: 'Password',
            type: 'password',
            autocomplete: 'current-password',
            maxLength: 1_000,
            describedBy,
          }),
          field({
            name: 'code',
            label: 'Code of your authenticator app, if you use one',
            type: 'text',
            autocomplete: 'one-time-code',
            maxLength: 100,
            isOptional: true,
          }),
        ]}
        <button type="submit">Sign in</button>
      </form>
      <form method="post" action="${path}/cancel">
        <button type="submit" class="quiet">Cancel</button>
      </form>
      <p><a href="${path}/forgotten-password">Forgot your password?</a></p>`,
  };
}

/** Asks for the name of the workspace. */
export function workspaceField(value: string): Html {
  return field({
    name: 'workspace',
    label: 'Workspace',
    type: 'text',
    autocomplete: 'organization',
    maxLength: 63,
    value,
  });
}
