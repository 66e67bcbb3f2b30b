import type { PageTokenKey } from '@rapport/persistence';

/** Keys of the service; those of bytes have 32. */
export class Secrets {
  constructor(
    readonly apiKeyHmacKey: Buffer,
    readonly pageTokenKey: PageTokenKey,
    /** The secret that keys of the OpenID provider are derived from. */
    readonly oidcKey: Buffer,
  ) {}
}
