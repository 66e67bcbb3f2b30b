/** The service's own keys, 32 bytes each. */
export class Secrets {
  constructor(
    readonly apiKeyHmacKey: Buffer,
    readonly pageTokenKey: Buffer,
    /** What keys of the OpenID provider are derived from. */
    readonly oidcKey: Buffer,
  ) {}
}
