import { ImportColumn_Reason as Reason, ListMode } from '@rapport/contracts/rapport/customers/v1/customers_service';
import {
  Operation_Kind as Kind,
  Operation_State as State,
  type Operation as OperationMessage,
  type WorkspaceArchive,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { AppError } from '@rapport/platform';
import { shownCounts } from '../fields/hidden-data.js';
import { reportOpener } from '../sealing/sealed-report.js';
import type { Operation, OperationKindName, OperationState } from './operation.entity.js';

/** Converts a stored operation to the message of the contract. */
export async function operationMessage(operation: Operation): Promise<OperationMessage> {
  const [message] = await operationMessages([operation]);
  return message!;
}

/** `operationMessage` for several operations. */
export async function operationMessages(operations: readonly Operation[]): Promise<OperationMessage[]> {
  const open = await reportOpener(operations.filter(({ sealed }) => sealed).flatMap(quotingTexts));
  return operations.map((operation) => messageOf(operation, operation.sealed ? open : (text) => text));
}

/** The message of a new operation, with its texts as they are stored. */
export function storedMessage(operation: Operation): OperationMessage {
  return messageOf(operation, (text) => text);
}

/** Decrypts `storedMessage`. */
export async function openMessage(message: OperationMessage): Promise<OperationMessage> {
  const { import: input } = message;
  if (!input) return message;
  const open = await reportOpener(input.map);
  return { ...message, import: { ...input, map: input.map.map(open) } };
}

/** The texts of an operation that can quote its file. */
function quotingTexts({ input, columns, error }: Operation): string[] {
  return [...mapOf(input), ...columns.map(({ column }) => column), ...(error ? [error.message] : [])];
}

function messageOf(operation: Operation, open: (text: string) => string): OperationMessage {
  const kind: OperationKindName = operation.kind;
  const { error } = operation;
  return {
    id: operation.id,
    state: State[operation.state],
    kind: Kind[kind],
    // Operations of older releases have no list mode.
    import:
      kind === 'IMPORT'
        ? {
            ...operation.input,
            map: mapOf(operation.input).map(open),
            listMode: operation.input.listMode ?? ListMode.UNSPECIFIED,
          }
        : undefined,
    receivedBytes: operation.receivedBytes,
    processedBytes: operation.processedBytes,
    counts: shownCounts(operation.counts),
    // Operations of older releases have no reasons.
    columns: operation.columns.map((each) => ({
      ...{ ...each, column: open(each.column) },
      reason: each.reason ?? Reason.UNSPECIFIED,
    })),
    error: error ? { ...error, message: open(error.message) } : undefined,
    createTime: operation.createTime.toISOString(),
    startTime: operation.startTime?.toISOString(),
    endTime: operation.endTime?.toISOString(),
    createdBy: operation.createdBy,
    archive: archiveOf(operation),
  };
}

/** Operations of other kinds have none. */
function mapOf({ map }: Partial<Operation['input']>): string[] {
  return map ?? [];
}

/** The archive of a workspace operation, which its kind stores in the column of rules. */
function archiveOf({ kind, rules }: Operation): WorkspaceArchive | undefined {
  if (kind !== 'WORKSPACE_EXPORT' && kind !== 'WORKSPACE_IMPORT') return undefined;
  const { sizeBytes, sha256, expireTime } = rules as WorkspaceArchive;
  return { sizeBytes, sha256, expireTime };
}

/** Whether an operation has ended. Only another call, such as UndoOperation, changes it again. */
export function hasEnded(state: OperationState): boolean {
  switch (state) {
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELLED':
    case 'UNDONE':
      return true;
    case 'WAITING':
    case 'RUNNING':
    case 'PAUSED':
    case 'UNDOING':
      return false;
    default:
      return state satisfies never;
  }
}

/** @throws AppError NOT_FOUND OPERATION_NOT_FOUND, also for an operation of another tenant */
export function found(operation: Operation | null): Operation {
  if (operation) return operation;
  throw new AppError('NOT_FOUND', 'OPERATION_NOT_FOUND', 'There is no such operation.');
}
