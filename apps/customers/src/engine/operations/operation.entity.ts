import { defineEntity, p } from '@mikro-orm/postgresql';
import type { ImportColumn } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type {
  ImportCounts,
  ImportInput,
  OperationError,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { recordIsolation } from '@rapport/persistence';
import { ofNobody } from '../records/scope/scope-conditions.js';
import { sealedOnly } from '../sealing/sealed-only.js';

export const operationKinds = ['IMPORT', 'ENCRYPTION', 'WORKSPACE_EXPORT', 'WORKSPACE_IMPORT'] as const;

export type OperationKindName = (typeof operationKinds)[number];

export const operationStates = [
  'WAITING',
  'RUNNING',
  'PAUSED',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'UNDOING',
  'UNDONE',
] as const;

export type OperationState = (typeof operationStates)[number];

const OperationSchema = defineEntity({
  name: 'Operation',
  tableName: 'operation',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    /** UUIDv7: ids are in the order of creation. */
    id: p.uuid().primary(),
    kind: p.enum(operationKinds).default('IMPORT'),
    state: p.enum(operationStates),
    /** Request of an import. */
    input: p.json<ImportInput>(),
    /** Rules that its kind derived from the input. Later changes of the saved mapping do not affect them. */
    rules: p.json<object>(),
    receivedBytes: p.integer(),
    processedBytes: p.integer(),
    /** Written in the transaction of the rows that they count: `counts.rows` is the checkpoint of an import. */
    counts: p.json<ImportCounts>(),
    columns: p.json<ImportColumn[]>(),
    error: p.json<OperationError>().nullable(),
    createTime: p.datetime(3),
    startTime: p.datetime(3).nullable(),
    endTime: p.datetime(3).nullable(),
    createdBy: p.text(),
    /** The principal that undoes it. Once it is set, the import never continues. */
    undoneBy: p.text().nullable(),
    /** Whether its report is encrypted, and what is stored of its file. */
    sealed: p.boolean().default(false),
    /** The subject of the key that encrypts the report. Null when there is none: an erasure destroys it. */
    keySubject: p.uuid().nullable(),
  },
});

/** A long-running operation. A worker runs it after its call has returned. */
export class Operation extends OperationSchema.class {}
OperationSchema.setClass(Operation);

const OperationIssueSchema = defineEntity({
  name: 'OperationIssue',
  tableName: 'operation_issue',
  ...recordIsolation(ofNobody, sealedOnly("starts_with(message, chr(1)) or message = 'Erased.'")),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Index among the issues of the operation, from 0. */
    number: p.integer().primary(),
    severity: p.enum(['NOTICE', 'WARNING', 'ERROR'] as const),
    /** 0 for an issue that is not of a row. */
    line: p.integer(),
    reason: p.text(),
    field: p.text().nullable(),
    message: p.text(),
    customerId: p.uuid().nullable(),
  },
});

/** An issue of a row or record of an operation. */
export class OperationIssue extends OperationIssueSchema.class {}
OperationIssueSchema.setClass(OperationIssue);

const OperationJobSchema = defineEntity({
  name: 'OperationJob',
  tableName: 'operation_job',
  indexes: [
    { name: 'operation_job_by_due_time', properties: ['dueTime', 'operationId'] },
    { name: 'operation_job_by_tenant', properties: ['tenantId', 'dueTime', 'operationId'] },
  ],
  properties: {
    operationId: p.uuid().primary(),
    tenantId: p.uuid(),
    /** When it may be claimed. The jobs of a tenant run one at a time in this order. */
    dueTime: p.datetime(6),
    /** The claim that holds it until `leaseTime`. */
    claimId: p.uuid().nullable(),
    leaseTime: p.datetime(6).nullable(),
    /** Number of claims since the operation last made progress. */
    attempts: p.integer().default(0),
  },
});

/**
 * The job of an operation that needs a worker. The table has no row-level security, since a worker claims jobs of all tenants. It holds
 * only ids and times; the operation itself is read in a session of the job's tenant.
 */
export class OperationJob extends OperationJobSchema.class {}
OperationJobSchema.setClass(OperationJob);
