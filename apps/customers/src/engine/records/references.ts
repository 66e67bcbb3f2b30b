import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows, StatementTransaction, type Statement } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { customFieldPath, type CustomFields } from '../fields/custom-fields.js';
import {
  recordType,
  recordTypes,
  type RecordMessage,
  type RecordType,
  type TargetRule,
} from '../fields/record-type.js';
import { onceFor } from '../values/once-for.js';

/** A value that is the id of another record. */
export interface Link {
  /** Path of the value within its record. */
  field: string;
  /** Type of the other record. */
  target: string;
  id: string;
  reason: string;
  description: string;
  rule: TargetRule | undefined;
}

/** A row of `LinkedRecords.statements`. */
type TargetRow = Record<string, string> & { id: string };

/** The live records that others point to: with a reference, or with a custom field of type REFERENCE. */
export class LinkedRecords {
  private constructor(private readonly rows: ReadonlyMap<string, TargetRow>) {}

  /** Reads and locks what links lead to: it stays live until the transaction ends. */
  static async lock(source: EntityManager | StatementTransaction, links: readonly Link[]): Promise<LinkedRecords> {
    const statements = LinkedRecords.statements(links);
    if (statements.length === 0) return LinkedRecords.of([]);
    if (source instanceof StatementTransaction) return LinkedRecords.of(await source.run(...statements));
    const rows: object[][] = [];
    for (const statement of statements) rows.push(await queryRows(source, statement));
    return LinkedRecords.of(rows);
  }

  /**
   * One statement for each type of target, in one order of the types. Rows are locked in the order of their ids, so that two
   * transactions wait for each other and not both for ever.
   */
  static statements(links: readonly Link[]): Statement[] {
    const targets = [...new Set(links.map(({ target }) => target))].sort();
    return targets.map((target) => {
      const ids = links.flatMap((link) => (link.target === target ? [link.id] : []));
      return lockTargets(recordType(target), [...new Set(ids)]);
    });
  }

  /** @param rows of `statements` */
  static of(rows: readonly object[][]): LinkedRecords {
    return new LinkedRecords(new Map((rows.flat() as TargetRow[]).map((row) => [row.id, row])));
  }

  /** What is wrong with links, with paths within their record. */
  violations(links: readonly Link[]): FieldViolation[] {
    return links
      .filter(({ id, rule }) => {
        const row = this.rows.get(id);
        return !row || (rule && row[rule.column] !== rule.value);
      })
      .map(({ field, reason, description }) => ({ field, reason, description }));
  }

  /** @throws AppError INVALID_ARGUMENT that names each link that leads to no live record, or not to one that it may lead to */
  check({ singular }: RecordType, links: readonly Link[]): void {
    const violations = this.violations(links);
    if (violations.length === 0) return;
    throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `${singular}.${field}`, ...rest })));
  }
}

/** The links of a record that it, when there was one before, did not have then. */
export function newLinks<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
  before?: Message,
): Link[] {
  const custom = customFields.references(record.customFields, before?.customFields).map(({ key, id }) => ({
    ...{ field: customFieldPath(key), target: customTarget, id, rule: undefined },
    ...{ reason: 'REFERENCE_NOT_FOUND', description: 'must be the id of a live customer' },
  }));
  const built = referenceFields(type).flatMap(({ name, link }) => {
    const id = (record as unknown as Values)[name] as string | undefined;
    const isNew = id !== undefined && id !== '' && id !== (before as unknown as Values | undefined)?.[name];
    return isNew ? [{ ...link, id }] : [];
  });
  return [...custom, ...built];
}

type Values = Record<string, unknown>;

/** Custom fields of type REFERENCE lead to customers. */
const customTarget = 'rapport/Customer';

/** The references that callers set. */
const referenceFields = onceFor((type: RecordType) =>
  type.contract.fields.flatMap(({ name, reference, writable }) => {
    if (reference === undefined || writable === 'NEVER') return [];
    const rule = type.definition.targets?.[name];
    const target = recordType(reference);
    const { reason, description } = rule ?? {
      reason: `${target.constant}_NOT_FOUND`,
      description: `must be the id of a live ${target.singular}`,
    };
    return [{ name, link: { field: name, target: reference, reason, description, rule } }];
  }),
);

/** The columns that any type's rules ask of targets of a type. */
const ruleColumns = onceFor((target: RecordType): readonly string[] => {
  const columns = [...recordTypes()].flatMap(({ contract, definition }) =>
    contract.fields.flatMap(({ name, reference }) => {
      const rule = reference === target.contract.type ? definition.targets?.[name] : undefined;
      return rule ? [rule.column] : [];
    }),
  );
  return [...new Set(columns)];
});

function lockTargets(type: RecordType, ids: readonly string[]): Statement {
  const { table } = type;
  return {
    name: `lock_linked_${table}s`,
    sql: `select ${['id', ...ruleColumns(type)].join(', ')} from ${table}
        where tenant_id = $1 and id = any ($2::uuid[]) and delete_time is null order by id for share`,
    values: [currentCaller().tenantId, [...ids]],
  };
}
