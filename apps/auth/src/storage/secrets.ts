/** Keys of the service, 32 bytes each. */
export class Secrets {
  constructor(
    readonly apiKeyHmacKey: Buffer,
    readonly pageTokenKey: Buffer,
    /** The secret that keys of the OpenID provider are derived from. */
    readonly oidcKey: Buffer,
  ) {}
}
