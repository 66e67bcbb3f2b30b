import { rowOwner } from '../../storage/sealed-row.js';
import type { SecretEnvelope } from '../../storage/secret-envelope.js';
import type { Relay, RelaySecrets } from './relay.entity.js';

type Sealed = Pick<Relay, 'tenantId' | 'id' | 'sealedSecrets'>;

export function openRelaySecrets(envelope: SecretEnvelope, { tenantId, id, sealedSecrets }: Sealed): RelaySecrets {
  return JSON.parse(
    envelope.open(Buffer.from(sealedSecrets), rowOwner('relay', tenantId, id)).toString(),
  ) as RelaySecrets;
}

export function sealRelaySecrets(
  envelope: SecretEnvelope,
  { tenantId, id }: Omit<Sealed, 'sealedSecrets'>,
  secrets: RelaySecrets,
): Buffer {
  return envelope.seal(Buffer.from(JSON.stringify(secrets)), rowOwner('relay', tenantId, id));
}
