import { allFields } from '@rapport/contracts';
import type { FlowDefinition } from '@rapport/contracts/rapport/flows/v1/flow';
import { allows, AppError, currentCaller, permissionMissing } from '@rapport/platform';
import { recordTypeNamed } from '../variables.js';
import { allSteps } from './step-tree.js';
import { typesOf } from './used-types.js';

/** The permissions that runs of a definition need. */
function neededPermissions(definition: FlowDefinition): string[] {
  const ofRecords = typesOf(definition).flatMap(({ type, isWritten }) => permissionOf(type, isWritten) ?? []);
  const ofSteps = allSteps(definition.steps).flatMap(({ assign, link, connector, run, send }) => [
    // Associations need the right to write the records of one end.
    ...(link ? ['customers.read', permissionOf(link.fromType, true) ?? []].flat() : []),
    ...(assign?.byRules ? ['assignmentRules.read'] : []),
    ...(connector ? ['connections.write'] : []),
    ...(run ? ['flows.run'] : []),
    ...(send ? ['messages.send'] : []),
  ]);
  const ofTrigger = definition.trigger?.segment ? ['segments.read'] : [];
  return [...new Set([...ofRecords, ...ofSteps, ...ofTrigger])];
}

/** Such as `deals.write`, or `objects.subscription.read`; undefined for a type that does not exist. */
function permissionOf(type: string, isWritten: boolean): string | undefined {
  const contract = recordTypeNamed(type);
  if (!contract) return undefined;
  const [, object] = type.split('/');
  if (object !== undefined) return `${contract.permission}.${object}.${isWritten ? 'write' : 'read'}`;
  return isWritten ? contract.writePermission : `${contract.permission}.read`;
}

/**
 * Checks that the caller may do what runs of a definition do with the caller's rights.
 *
 * @throws AppError PERMISSION_DENIED
 */
export function checkRightsOf(definition: FlowDefinition): void {
  const { permissions, principalId, recordScope = 'ALL', hidesPii = false } = currentCaller();
  if (!/^(user|apiKey):/.test(principalId)) {
    const message = 'Runs act as a user or an API key. Publish the flow as one of them.';
    throw new AppError('PERMISSION_DENIED', 'PRINCIPAL_UNSUPPORTED', message);
  }
  const missing = neededPermissions(definition).find((needed) => !allows(permissions, needed));
  if (missing !== undefined) throw permissionMissing(missing);
  const { trigger } = definition;
  if (recordScope !== 'ALL' && (trigger?.record ?? trigger?.timeField ?? trigger?.segment)) {
    const message = `Changes of all records start the flow. A caller limited to the scope ${recordScope} can't publish it.`;
    throw new AppError('PERMISSION_DENIED', 'RECORD_SCOPE_UNSUPPORTED', message, { metadata: { recordScope } });
  }
  if (hidesPii && typesOf(definition).some(({ type }) => hasPersonalData(type))) {
    const message = "Runs read personal data. A caller without access to it can't publish the flow.";
    throw new AppError('PERMISSION_DENIED', 'PERSONAL_DATA_HIDDEN', message);
  }
}

function hasPersonalData(type: string): boolean {
  const contract = recordTypeNamed(type);
  return (
    contract !== undefined &&
    (contract.options.customFields || allFields(contract.fields).some((field) => field.isPersonal))
  );
}
