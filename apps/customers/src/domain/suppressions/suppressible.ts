import { allFormats } from '@rapport/contracts';
import { ContactChannel } from '@rapport/contracts/rapport/customers/v1/consents_service';
import { invalidArgument, type FieldViolation } from '@rapport/platform';
import type { SuppressedChannel } from './suppression-key.js';

/** @throws AppError INVALID_ARGUMENT for a channel without suppressions */
export function suppressedChannel(channel: ContactChannel, field: string): SuppressedChannel {
  switch (channel) {
    case ContactChannel.EMAIL:
      return 'EMAIL';
    case ContactChannel.PHONE:
      return 'PHONE';
    case ContactChannel.SMS:
      return 'SMS';
    default:
      throw invalidArgument([{ field, reason: 'NOT_SUPPRESSIBLE', description: 'must be EMAIL, PHONE or SMS' }]);
  }
}

/**
 * Refuses values that are not addresses of the channel. They would never match a suppression, so they would seem to be
 * allowed.
 *
 * @param fieldOf names the field of the address with an index
 * @throws AppError INVALID_ARGUMENT that names each of them
 */
export function checkAddresses(
  channel: SuppressedChannel,
  addresses: readonly string[],
  fieldOf: (index: number) => string,
): void {
  if (channel !== 'EMAIL') return;
  const email = allFormats.find(({ name }) => name === 'email');
  const violations = addresses.flatMap((address, index): FieldViolation[] =>
    email?.test(address.trim())
      ? []
      : [{ field: fieldOf(index), reason: 'BAD_FORMAT', description: 'must be an e-mail address' }],
  );
  if (violations.length > 0) throw invalidArgument(violations.slice(0, 100));
}
