import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** A request for a page of an authorization. */
export interface InteractionRequest {
  context: Context;
  provider: Provider;
  interaction: Interaction;
  /** Path of the forms of its pages, without a trailing slash. */
  path: string;
  /** Undefined for the console, whose sign-in page asks for the workspace. */
  tenant: { id: string; name: string } | undefined;
  /** The workspace that the console suggests. */
  workspace: string;
  clientName: string;
  /** Origin or scheme of the client's redirect URI. */
  formTargets: string[];
}
