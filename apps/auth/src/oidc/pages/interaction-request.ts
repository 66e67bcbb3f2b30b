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
  tenantId: string;
  tenantName: string;
  clientName: string;
  /** Origin or scheme of the client's redirect URI. */
  formTargets: string[];
}
