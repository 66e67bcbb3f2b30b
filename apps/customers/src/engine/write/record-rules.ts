import type { FieldViolation } from '@rapport/platform';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { contract, validator } from '../values/contract.js';
import { onceFor } from '../values/once-for.js';

/** Violations of the field rules of the contract in a record. */
export function fieldViolations<Message extends RecordMessage>(
  { message }: RecordType<Message>,
  record: Message,
): FieldViolation[] {
  return validator.violations(message, record);
}

/** Most items of each list of a record, by JSON names. */
export const maxItems = onceFor(({ contract: { fields, message } }: RecordType): Readonly<Record<string, number>> => {
  const lists = fields.filter(({ desc }) => desc.fieldKind === 'list');
  return Object.fromEntries(
    lists.map(({ name, desc }) => {
      const limit = contract.rules(desc).maxItems;
      if (limit === undefined) throw new Error(`${message.typeName}: the contract does not bound ${name}.`);
      return [name, limit];
    }),
  );
});
