import { ConnectorError } from '../../connectors/connector-error.js';
import type { Peer } from '../../connectors/connector.js';
import type { RecordType } from '../../connectors/description.js';
import type { Mapping } from './mapping.entity.js';

/** What a mapping requires of its peer's records. */
type Said = Pick<Mapping, 'recordType' | 'fields' | 'direction' | 'timeField'>;

/**
 * Checks that a peer still has the record type and fields of a mapping.
 *
 * @returns the current type of its records
 * @throws ConnectorError SCHEMA_CHANGED that names what is missing
 */
export async function checkPeerFields(peer: Peer, mapping: Said, signal: AbortSignal): Promise<RecordType> {
  const { recordTypes } = await peer.describe(signal);
  const type = recordTypes.find(({ name }) => name === mapping.recordType);
  if (!type) throw new ConnectorError('SCHEMA_CHANGED', `There are no records of the type ${mapping.recordType}.`);
  const missing = missingFields(type, mapping);
  if (missing.length === 0) return type;
  throw new ConnectorError(
    'SCHEMA_CHANGED',
    `The records have no field ${missing.join(', ')} any more, or can't take it.`,
  );
}

/** Fields of a mapping that the peer's records lack, or that clients cannot write. */
export function missingFields(
  { fields, capabilities }: RecordType,
  { fields: rules, direction, timeField }: Said,
): string[] {
  const isWritten = direction !== 'TO_CUSTOMERS' && (capabilities.update || capabilities.create);
  const lacks = (path: string, mustTake: boolean) => {
    const field = fields.find(({ name }) => name === path || name === path.split('.')[0]);
    return !field || field.type === 'UNSUPPORTED' || (mustTake && !field.writable);
  };
  const needed = rules.filter(({ peerField, authority }) => lacks(peerField, isWritten && authority !== 'PEER'));
  const isTimeMissing = typeof timeField === 'string' && lacks(timeField, false);
  return [...needed.map(({ peerField }) => peerField), ...(isTimeMissing ? [timeField] : [])];
}
