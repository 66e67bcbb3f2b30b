import { JsonCodec } from '@rapport/contracts';
import { compilePredicate, type FilterPredicate, type Present } from '@rapport/contracts/filters';
import { runStatements } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { CustomFields, type Definition } from '../fields/custom-fields.js';
import { filterTableOf } from '../fields/filter-fields.js';
import type { RecordMessage } from '../fields/record-definition.js';
import type { RecordType } from '../fields/record-type.js';
import { defaultTimeZone } from '../query/workspace-time-zone.js';
import { onceFor } from '../values/once-for.js';
import type { Source } from './rule-statements.js';

const codecs = onceFor(({ message }: RecordType) => JsonCodec.of(message, new Map()));

/** A rule for the records that meet its filter, or for all without one. */
export interface FilteredRule {
  id: string;
  filter?: string | undefined;
}

/** The filters of rules of one record type. */
export class RuleFilters {
  private constructor(
    private readonly type: RecordType,
    /** By id of the rule; undefined for a filter that is invalid by now. */
    private readonly predicates: ReadonlyMap<string, FilterPredicate | undefined>,
    private readonly present: Present,
  ) {}

  /** Reads what the filters need: the time zone and custom fields. Nothing without filters. */
  static async load(source: Source, type: RecordType, rules: readonly FilteredRule[]): Promise<RuleFilters> {
    const filters = rules.flatMap(({ filter }) => filter ?? []);
    if (filters.length === 0) return new RuleFilters(type, new Map(), { now: new Date(), timeZone: defaultTimeZone });
    const custom = filters.some((filter) => filter.includes('customFields')) ? CustomFields.statements(type) : [];
    const zone = {
      name: 'workspace_time_zone',
      sql: 'select time_zone from workspace_settings where tenant_id = $1',
      values: [currentCaller().tenantId],
    };
    const [settings = [], definitions = []] = await runStatements(source, zone, ...custom);
    const { time_zone: timeZone } = (settings[0] as { time_zone: string } | undefined) ?? {
      time_zone: defaultTimeZone,
    };
    const customFields = new CustomFields(definitions as Definition[]);
    const compiled = rules.map(({ id, filter }) => [id, predicateOf(type, filter, customFields)] as const);
    return new RuleFilters(type, new Map(compiled), { now: new Date(), timeZone });
  }

  meets({ id, filter }: FilteredRule, record: RecordMessage): boolean {
    if (filter === undefined) return true;
    return this.predicates.get(id)?.(codecs(this.type).toJson({ ...record }), this.present) ?? false;
  }
}

/** Undefined for a filter that has become invalid, such as one by a deleted custom field. */
function predicateOf(type: RecordType, filter: string | undefined, customFields: CustomFields) {
  if (filter === undefined) return undefined;
  try {
    return compilePredicate(filter, filterTableOf(type, customFields));
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}
