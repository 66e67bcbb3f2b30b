import { defineEntity, p } from '@mikro-orm/postgresql';
import type { ImportColumn } from '@rapport/contracts/rapport/customers/v1/customers_service';
import type {
  ImportCounts,
  ImportInput,
  OperationError,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { recordIsolation } from '@rapport/persistence';
import { ofNobody } from '../records/scope/scope-conditions.js';

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
    /** UUIDv7: the order of ids is that of time. */
    id: p.uuid().primary(),
    kind: p.enum(['IMPORT', 'ENCRYPTION'] as const).default('IMPORT'),
    state: p.enum(operationStates),
    /** Of an import, as it was asked for. */
    input: p.json<ImportInput>(),
    /** What its kind makes of the input, whatever becomes of the saved mapping that it names. */
    rules: p.json<object>(),
    receivedBytes: p.integer(),
    processedBytes: p.integer(),
    /** Written with the rows that they count: `counts.rows` is the checkpoint from which an import goes on. */
    counts: p.json<ImportCounts>(),
    columns: p.json<ImportColumn[]>(),
    error: p.json<OperationError>().nullable(),
    createTime: p.datetime(3),
    startTime: p.datetime(3).nullable(),
    endTime: p.datetime(3).nullable(),
    createdBy: p.text(),
    /** The principal that undoes it. Once it is there, the import never goes on. */
    undoneBy: p.text().nullable(),
  },
});

/** Long work that a worker does after its call was answered. */
export class Operation extends OperationSchema.class {}
OperationSchema.setClass(Operation);

const OperationIssueSchema = defineEntity({
  name: 'OperationIssue',
  tableName: 'operation_issue',
  ...recordIsolation(ofNobody),
  properties: {
    tenantId: p.uuid().primary(),
    operationId: p.uuid().primary(),
    /** Its place among the issues of the operation, from 0. */
    number: p.integer().primary(),
    severity: p.enum(['NOTICE', 'WARNING', 'ERROR'] as const),
    /** 0 for an issue of no row. */
    line: p.integer(),
    reason: p.text(),
    field: p.text().nullable(),
    message: p.text(),
    customerId: p.uuid().nullable(),
  },
});

/** What is to be known of a row of an import. */
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
    /** When it is to be seen to. The jobs of a tenant are done one by one in this order. */
    dueTime: p.datetime(6),
    /** Whose it is until `leaseTime`. */
    claimId: p.uuid().nullable(),
    leaseTime: p.datetime(6).nullable(),
    /** How often it was taken since the operation last got further. */
    attempts: p.integer().default(0),
  },
});

/**
 * That an operation needs a worker. The one table without row-level security: a worker must find the jobs of all tenants
 * before it knows for which it works, and there is nothing in it but ids and times. Whatever it is about is read in a
 * session of the job's tenant.
 */
export class OperationJob extends OperationJobSchema.class {}
OperationJobSchema.setClass(OperationJob);
