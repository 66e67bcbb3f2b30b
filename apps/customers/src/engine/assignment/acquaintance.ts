import { AssignmentMethod, type AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import { runStatements } from '@rapport/persistence';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import type { Acquaintances } from './choose-member.js';
import { customerField, readAcquaintances, type AcquaintanceRow, type Source } from './rule-statements.js';

/** Which members of a sticky rule know the customers of records. Knows nobody for other rules. */
export class Acquaintance {
  private constructor(
    /** JSON name of the field with the customer. */
    private readonly field: string | undefined,
    private readonly known: Map<string, Acquaintances>,
  ) {}

  static async load(
    source: Source,
    type: RecordType,
    { method, members }: AssignmentRule,
    records: readonly { record: RecordMessage }[],
  ): Promise<Acquaintance> {
    const field = method === AssignmentMethod.STICKY ? customerField(type) : undefined;
    const nobody = new Acquaintance(field?.name, new Map());
    const customerIds = [...new Set(records.flatMap(({ record }) => nobody.#customerOf(record) ?? []))];
    if (!field || customerIds.length === 0) return nobody;
    const userIds = members.map(({ userId }) => userId);
    const exceptIds = records.map(({ record }) => record.id);
    const statement = readAcquaintances(type, field.column, { customerIds, userIds, exceptIds });
    const [rows = []] = await runStatements(source, statement);
    const known = (rows as AcquaintanceRow[]).map((row): [string, Acquaintances] => {
      const { customer_owner: owner, same_customer: same } = row;
      return [row.customer_id, { customerOwner: owner ?? undefined, sameCustomer: same ?? undefined }];
    });
    return new Acquaintance(field.name, new Map(known));
  }

  of(record: RecordMessage): Acquaintances {
    return this.known.get(this.#customerOf(record) ?? '') ?? {};
  }

  /** Later records of the same transaction see the choice. */
  note(record: RecordMessage, userId: string): void {
    const customerId = this.#customerOf(record);
    if (customerId !== undefined) this.known.set(customerId, { ...this.of(record), sameCustomer: userId });
  }

  #customerOf(record: RecordMessage): string | undefined {
    return this.field === undefined
      ? undefined
      : ((record as unknown as Record<string, unknown>)[this.field] as string | undefined);
  }
}
