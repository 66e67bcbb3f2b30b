import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { AssignmentRuleState, type AssignmentRule } from '@rapport/contracts/rapport/work/v1/assignment_rule';
import {
  AssignmentTrialsServiceService as Methods,
  type AssignmentTrialsServiceServer,
  type TestAssignmentRuleRequest,
  type TestAssignmentRuleResponse,
} from '@rapport/contracts/rapport/work/v1/assignment_trials_service';
import { queryRows } from '@rapport/persistence';
import { allows, currentCaller, invalidArgument, permissionMissing } from '@rapport/platform';
import { tryRule } from '../../engine/assignment/assign-owners.js';
import type { RecordMessage } from '../../engine/fields/record-definition.js';
import type { RecordType } from '../../engine/fields/record-type.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { assignmentRules, ruledType } from './assignment-rules.js';

@Controller()
@ImplementsService(Methods)
export class AssignmentTrialsController implements ServiceHandlers<AssignmentTrialsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  testAssignmentRule({ id, trial }: TestAssignmentRuleRequest): Promise<TestAssignmentRuleResponse> {
    return this.em.transactional(async (em) => {
      const rule = await liveRecord(em, assignmentRules, id, await find<AssignmentRule>(em, assignmentRules, id));
      const type = ruledType(rule);
      if (!type) throw new Error(`The rule ${id} is about no type of records.`);
      const needed = `${type.contract.permission}.read`;
      if (!allows(currentCaller().permissions, needed)) throw permissionMissing(needed);
      const record = await find<RecordMessage>(em, type, trial?.recordId ?? '');
      if (!record) {
        const description = `must be the id of a live ${type.singular}`;
        throw invalidArgument([{ field: 'trial.recordId', reason: 'RECORD_NOT_FOUND', description }]);
      }
      const isActive = rule.state === AssignmentRuleState.ACTIVE;
      const choice = isActive ? await tryRule(em, type, rule, { ...record, ownerId: undefined }) : undefined;
      if (!choice) return { matches: false, userId: undefined, decision: undefined, skipped: [] };
      return { matches: true, ...choice };
    });
  }
}

async function find<Message extends RecordMessage>(
  em: EntityManager,
  type: RecordType<Message>,
  id: string,
): Promise<Message | undefined> {
  const [record] = await openStored(type, await queryRows<StoredRecord<Message>>(em, liveRecords(type, [id])));
  return record;
}
