import type { EntityManager } from '@mikro-orm/postgresql';
import type { RecordField } from '@rapport/contracts';
import { OnDelete } from '@rapport/contracts/rapport/api/v1/options';
import { queryRows, StatementTransaction, type Statement } from '@rapport/persistence';
import { invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { customFieldPath, type CustomFields } from '../fields/custom-fields.js';
import type { RecordChange, RecordMessage, TargetRule } from '../fields/record-definition.js';
import { recordType, recordTypes, type RecordType } from '../fields/record-type.js';
import { onceFor } from '../values/once-for.js';
import { relatedField, relatedOf } from '../fields/related-records.js';
import { lockTargets, neededFields } from './links/lock-targets.js';
import { valuesAt } from './links/values-at.js';
import type { StoredRecord } from './record-rows.js';

/** A value that is the id of another record. */
export interface Link {
  /** Path of the value within its record. */
  field: string;
  /** Type of the other record. */
  target: string;
  id: string;
  reason: ViolationCode;
  description: string;
  rule: TargetRule | undefined;
  /** Whether the record had it before: its target may have been deleted since. */
  isKept: boolean;
}

/** Records of a type that a write is about to lock and change. No ids for a creation. */
export interface WrittenRecords {
  type: RecordType;
  ids: readonly string[];
}

/** A row of the facts of a type. */
interface FactRow {
  fact: unknown;
}

/** What is known of a target: the columns that rules need, or the record itself when a type needs it. */
type Target = { id: string; [column: string]: string } | StoredRecord;

/** The live targets of references and of custom fields of type REFERENCE. */
export class LinkedRecords {
  readonly #targets = new Map<string, Target>();
  /** Targets that have been looked up, found or not. */
  readonly #asked = new Set<string>();
  readonly #facts: unknown[] = [];

  /**
   * Reads and locks the targets of links that have not been loaded before: they stay live until the transaction ends.
   */
  async lock(
    source: EntityManager | StatementTransaction,
    links: readonly Link[],
    written?: WrittenRecords,
  ): Promise<this> {
    const statements = this.statements(links, written);
    if (statements.length === 0) return this;
    if (source instanceof StatementTransaction) return this.add(await source.run(...statements));
    const rows: object[][] = [];
    for (const statement of statements) rows.push(await queryRows(source, statement));
    return this.add(rows);
  }

  /**
   * One statement per target type, in a common order of the types, and then the facts of the written type. Rows are
   * locked in the order of their ids, so that two transactions can't deadlock. Pass the rows to `add`.
   *
   * @param written records that are about to be locked: the targets that they need are read together with those of
   *   `links`
   */
  statements(links: readonly Link[], written?: WrittenRecords): Statement[] {
    const stored = written && written.ids.length > 0 ? written : undefined;
    const open = links.filter(({ id }) => !this.#asked.has(id));
    for (const { id } of open) this.#asked.add(id);
    const needs = stored ? neededFields(stored.type) : [];
    const targets = [...new Set([...open, ...needs].map(({ target }) => target))].sort();
    const locks = targets.map((target) => {
      const ids = open.flatMap((link) => (link.target === target ? [link.id] : []));
      const need = needs.find((field) => field.target === target);
      return lockTargets(recordType(target), [...new Set(ids)], need && stored && { ...stored, column: need.column });
    });
    const facts = written?.type.definition.facts?.(written.ids);
    return facts ? [...locks, facts] : locks;
  }

  /** @param rows of `statements` */
  add(rows: readonly object[][]): this {
    for (const row of rows.flat() as (Target | FactRow)[]) {
      if ('fact' in row) this.#facts.push(row.fact);
      else this.#targets.set(idOf(row), row);
    }
    for (const id of this.#targets.keys()) this.#asked.add(id);
    return this;
  }

  recordOf(id: string): StoredRecord | undefined {
    const target = this.#targets.get(id);
    return target && isRecord(target) ? target : undefined;
  }

  /** Violations of links, with paths within their record. */
  violations(links: readonly Link[]): FieldViolation[] {
    return links
      .filter(({ id, rule, isKept }) => {
        const target = this.#targets.get(id);
        return !isKept && (!target || (rule && !isRecord(target) && target[rule.column] !== rule.value));
      })
      .map(({ field, reason, description }) => ({ field, reason, description }));
  }

  /** @throws AppError INVALID_ARGUMENT that names each link without a live or allowed target */
  check({ singular }: RecordType, links: readonly Link[]): void {
    const violations = this.violations(links);
    if (violations.length === 0) return;
    throw invalidArgument(violations.map(({ field, ...rest }) => ({ field: `${singular}.${field}`, ...rest })));
  }

  /** A change with all that the rules of its type need. */
  change<Message extends RecordMessage>(
    type: RecordType<Message>,
    before: Message | undefined,
    after: Message,
  ): RecordChange<Message> {
    const needsBefore = before ? this.#needsOf(type, before) : none;
    return { before, after, needs: this.#needsOf(type, after), needsBefore, facts: this.#facts };
  }

  /** The live targets that a record's type needs, by the JSON names of its references. */
  #needsOf<Message extends RecordMessage>(
    type: RecordType<Message>,
    record: Message,
  ): Readonly<Record<string, RecordMessage>> {
    const needs = neededFields(type);
    if (needs.length === 0) return none;
    return Object.fromEntries(
      needs.flatMap(({ name }) => {
        const target = this.#targets.get((record as unknown as Values)[name] as string);
        return target && isRecord(target) ? [[name, target.record]] : [];
      }),
    );
  }
}

/** The links that are new in a record, and those to records that its type needs. */
export function newLinks<Message extends RecordMessage>(
  type: RecordType<Message>,
  record: Message,
  customFields: CustomFields,
  before?: Message,
): Link[] {
  const custom = customFields.references(record.customFields, before?.customFields).map(({ key, id }): Link => ({
    ...{ field: customFieldPath(key), target: customTarget, id, rule: undefined, isKept: false },
    ...{ reason: 'REFERENCE_NOT_FOUND', description: 'must be the id of a live customer' },
  }));
  return [...custom, ...builtInLinks(type, record, before), ...relatedLinks(type, record, before)];
}

/**
 * The links whose targets the type of a record needs. Lock them once the record is locked: another write may have changed it since they
 * were looked up.
 */
export function neededLinks<Message extends RecordMessage>(type: RecordType<Message>, record: Message): Link[] {
  return type.definition.needs ? builtInLinks(type, record, record) : [];
}

/**
 * The links to records of other types in a request: locked before the request's own record, so that all writers use one
 * order.
 */
export function linksToOthers<Message extends RecordMessage>(type: RecordType<Message>, sent: Message): Link[] {
  const links = [...builtInLinks(type, sent, undefined), ...relatedLinks(type, sent, undefined)];
  return links.filter(({ target }) => target !== type.contract.type);
}

/** The RESTRICT references of a record. */
export function restrictedLinks<Message extends RecordMessage>(type: RecordType<Message>, record: Message): Link[] {
  const restricted = new Set(
    type.contract.fields.filter(({ index }) => index.onDelete === OnDelete.RESTRICT).map(({ name }) => name),
  );
  return builtInLinks(type, record, undefined).filter(({ field }) => restricted.has(field));
}

function builtInLinks(type: RecordType, record: object, before: object | undefined): Link[] {
  return referenceFields(type).flatMap(({ path, link, isNeeded }) => {
    const kept = new Set(before && valuesAt(before, path).map(({ id }) => id));
    return valuesAt(record, path).flatMap(({ field, id }) => {
      const isKept = kept.has(id);
      return isKept && !isNeeded ? [] : [{ ...link, field, id, isKept }];
    });
  });
}

/** The references of a record's list that `before` does not have. Those to unknown types are violations already. */
function relatedLinks(type: RecordType, record: object, before: object | undefined): Link[] {
  const kept = new Set(before && relatedOf(type, before).map(({ id }) => id));
  return relatedOf(type, record).flatMap(({ type: singular, id }, index): Link[] => {
    const target = [...recordTypes()].find((each) => each.singular === singular);
    if (!target || kept.has(id)) return [];
    const reason = `${target.constant}_NOT_FOUND` as const;
    const description = `must be the id of a live ${singular}`;
    const field = `${relatedField(type)?.name}[${index}].id`;
    return [{ field, target: target.contract.type, id, reason, description, rule: undefined, isKept: false }];
  });
}

type Values = Record<string, unknown>;

const none: Readonly<Record<string, RecordMessage>> = {};

function isRecord(target: Target): target is StoredRecord {
  return typeof target.record === 'object';
}

function idOf(target: Target): string {
  return isRecord(target) ? target.record.id : target.id;
}

/** Custom fields of type REFERENCE refer to customers. */
const customTarget = 'rapport/Customer';

/** A writable reference of a type. */
interface ReferenceField {
  /** JSON names, such as `lineItems` and `productId`. */
  path: readonly string[];
  isNeeded: boolean;
  link: Omit<Link, 'field' | 'id' | 'isKept'>;
}

/** The writable references of a type, and those within its messages. */
const referenceFields = onceFor((type: RecordType) => referencesIn(type, type.contract.fields, []));

function referencesIn(type: RecordType, fields: readonly RecordField[], within: readonly string[]): ReferenceField[] {
  return fields.flatMap(({ name, reference, writable, parts }): ReferenceField[] => {
    if (writable === 'NEVER') return [];
    const path = [...within, name];
    if (type.definition.checkedLater?.includes(path.join('.'))) return [];
    if (reference === undefined) return referencesIn(type, parts, path);
    const rule = within.length === 0 ? type.definition.targets?.[name] : undefined;
    const target = recordType(reference);
    const { reason, description } = rule ?? {
      reason: `${target.constant}_NOT_FOUND`,
      description: `must be the id of a live ${target.singular}`,
    };
    const isNeeded = within.length === 0 && (type.definition.needs?.includes(name) ?? false);
    return [{ path, isNeeded, link: { target: reference, reason, description, rule } }];
  });
}
