import type { RecordMessage } from '../../fields/record-definition.js';
import type { RecordType } from '../../fields/record-type.js';
import { loggedColumns, type LoggedType, type LogScope } from './logged-types.js';
import type { StoredValues } from './stored-values.js';

/**
 * A record type in the change log, derived from its contract: readers with a narrow scope get the changes of records
 * whose owners they see, and all changes of records without owners.
 *
 * @param alsoSeen see LogScope
 * @param empty see LoggedType
 */
export function loggedRecord<Message extends RecordMessage>(
  type: RecordType<Message>,
  { alsoSeen, empty = {} }: { alsoSeen?: (ids: string) => string; empty?: StoredValues } = {},
): LoggedType {
  const { contract, table, message: descriptor } = type;
  const scope: LogScope = contract.options.owned ? { by: 'OWNER', ...(alsoSeen && { alsoSeen }) } : { by: 'TENANT' };
  return { name: table, table, descriptor, columns: loggedColumns(descriptor), scope, empty, record: type };
}
