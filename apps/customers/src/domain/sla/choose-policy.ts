import type { Ticket } from '@rapport/contracts/rapport/support/v1/ticket';
import type { Statement } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { RuleFilters } from '../../engine/assignment/rule-filters.js';
import type { Source } from '../../engine/assignment/rule-statements.js';
import { tickets } from '../tickets/tickets.js';
import type { PolicyContent } from './policy-content.js';

/** A policy in force. */
export interface ActivePolicy {
  id: string;
  key: string;
  name: string;
  version: number;
  content: PolicyContent;
}

/** The policies in force, in the order in which they are tried. The rows are `ActivePolicy`. */
export function readActivePolicies(): Statement {
  return {
    name: 'active_sla_policies',
    sql: `select policy.id, policy.key, name, active_version as version, content from sla_policy policy
      join sla_definition definition on definition.tenant_id = policy.tenant_id
        and definition.key = 'slaPolicies/' || policy.id || '@' || active_version
      where policy.tenant_id = $1 and state = 'ACTIVE' and delete_time is null
      order by (content->>'position')::int nulls last, create_time, policy.id`,
    values: [currentCaller().tenantId],
  };
}

/** Finds the policies of tickets among those in force. */
export class PolicyChoice {
  private constructor(
    readonly policies: readonly ActivePolicy[],
    private readonly filters: RuleFilters,
  ) {}

  static async load(source: Source, policies: readonly ActivePolicy[]): Promise<PolicyChoice> {
    const rules = policies.map(({ id, content: { filter } }) => ({ id, filter }));
    return new PolicyChoice(policies, await RuleFilters.load(source, tickets, rules));
  }

  /** The first policy that is for the ticket. */
  choose(ticket: Ticket): ActivePolicy | undefined {
    return this.policies.find((policy) => this.meets(policy, ticket));
  }

  meets({ id, content: { filter } }: ActivePolicy, ticket: Ticket): boolean {
    return this.filters.meets({ id, filter }, ticket);
  }
}
