import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantIsolation } from '@rapport/persistence';
import type { MemberTurn } from './choose-member.js';

const AssignmentTurnSchema = defineEntity({
  name: 'AssignmentTurn',
  tableName: 'assignment_turn',
  ...tenantIsolation,
  properties: {
    tenantId: p.uuid().primary(),
    ruleId: p.uuid().primary(),
    turn: p.bigint('number'),
    time: p.bigint('number'),
    members: p.json<Record<string, MemberTurn>>(),
  },
});

/** The turns of an assignment rule. Only a transaction that has locked the rule reads and writes them. */
export class AssignmentTurn extends AssignmentTurnSchema.class {}
AssignmentTurnSchema.setClass(AssignmentTurn);
