import type { Context } from 'koa';
import type { Provider } from 'oidc-provider';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;

/** A request for one of the pages of an authorization. */
export interface Visit {
  context: Context;
  provider: Provider;
  interaction: Interaction;
  /** Where the forms of its pages lead, without a slash at its end. */
  path: string;
  tenantId: string;
  tenantName: string;
  clientName: string;
  /** Origin or scheme of where the client waits. */
  formTargets: string[];
}
