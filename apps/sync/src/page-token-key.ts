/** Signs the page tokens of this service. */
export class PageTokenKey {
  /** @param bytes 32 of them */
  constructor(readonly bytes: Buffer) {}
}
