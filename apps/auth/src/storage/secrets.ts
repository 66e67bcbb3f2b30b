import type { PageTokenKey } from '@rapport/persistence';
import type { KeyRing } from '@rapport/platform';

/** Keys of the service. */
export class Secrets {
  constructor(
    /** Keys the hashes of API keys and of the secrets of OAuth clients. */
    readonly apiKeyHmacKeys: KeyRing,
    readonly pageTokenKey: PageTokenKey,
    /** The secrets that keys of the OpenID provider are derived from. */
    readonly oidcKeys: KeyRing,
  ) {}
}
