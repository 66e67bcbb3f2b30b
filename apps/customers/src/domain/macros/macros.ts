import { MacroVisibility, type Macro, type MacroAction } from '@rapport/contracts/rapport/support/v1/macro';
import { MacrosServiceService } from '@rapport/contracts/rapport/support/v1/macros_service';
import { invalidArgument, type FieldViolation, type ViolationCode } from '@rapport/platform';
import { normaliserOf } from '../../engine/fields/normalise-record.js';
import type { RecordChange, Settled } from '../../engine/fields/record-definition.js';
import { defineRecord } from '../../engine/fields/record-type.js';
import { recordController } from '../../engine/serve/record-controller.js';
import { recordContract } from '../../engine/values/contract.js';
import { sameValue } from '../../engine/values/same-value.js';
import { templateViolation } from '../templates/text-templates.js';

const normalise = normaliserOf<Macro>(recordContract('rapport/Macro'));

/** Macros: actions on a ticket that are carried out together. */
export const macros = defineRecord<Macro>('rapport/Macro', MacrosServiceService, {
  indexVersion: 1,
  normalise(sent, customFields, before) {
    const { record, violations } = normalise(sent, customFields, before);
    return { record, violations: [...violations, ...actionViolations(record), ...teamViolations(record)] };
  },
  settle: checkTemplates,
  stamp: ({ after: { visibility } }) => ({
    visibility: visibility === MacroVisibility.UNSPECIFIED ? MacroVisibility.EVERYONE : visibility,
  }),
});

export const MacrosController = recordController(macros, MacrosServiceService);

function actionViolations({ actions }: Macro): FieldViolation[] {
  return actions.flatMap((action, index) => {
    const at = `actions[${index}]`;
    const names = Object.keys(action).filter((name) => action[name as keyof MacroAction] !== undefined);
    const [name, second] = names;
    if (name === undefined) return [violation(at, 'REQUIRED', 'must have one field')];
    if (second !== undefined) return [violation(`${at}.${second}`, 'CONFLICTING_FIELDS', `excludes ${name}`)];
    return action.reply ? replyViolations(action.reply, `${at}.reply`) : [];
  });
}

function replyViolations({ text, templateId }: NonNullable<MacroAction['reply']>, at: string): FieldViolation[] {
  if (text === undefined && templateId === undefined) {
    return [violation(`${at}.text`, 'REQUIRED', 'is required without templateId')];
  }
  if (text === undefined || templateId === undefined) return [];
  return [violation(`${at}.templateId`, 'CONFLICTING_FIELDS', 'excludes text')];
}

/** Checks the replies that are templates, in a thread with limits. */
async function checkTemplates(_source: unknown, { before, after }: RecordChange<Macro>): Promise<Settled<Macro>> {
  if (after.deleteTime === undefined && !sameValue(before?.actions, after.actions)) {
    const violations: FieldViolation[] = [];
    for (const [index, { reply }] of after.actions.entries()) {
      const fault = await templateViolation(`macro.actions[${index}].reply.text`, reply?.text ?? '');
      if (fault) violations.push(fault);
    }
    if (violations.length > 0) throw invalidArgument(violations);
  }
  return { fields: {}, statements: [] };
}

function teamViolations({ visibility, teamIds }: Macro): FieldViolation[] {
  const isForTeams = visibility === MacroVisibility.TEAMS;
  if (isForTeams && teamIds.length === 0) return [violation('teamIds', 'REQUIRED', 'is required with TEAMS')];
  if (!isForTeams && teamIds.length > 0) return [violation('teamIds', 'NOT_ALLOWED', 'must be empty without TEAMS')];
  return [];
}

function violation(field: string, reason: ViolationCode, description: string): FieldViolation {
  return { field, reason, description };
}
