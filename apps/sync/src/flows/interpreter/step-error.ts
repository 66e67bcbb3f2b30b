/** A step can not be followed; each attempt would fail. */
export class StepError extends Error {
  override readonly name = 'StepError';

  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}
