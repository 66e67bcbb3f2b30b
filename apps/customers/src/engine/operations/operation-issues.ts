import type { EntityManager } from '@mikro-orm/postgresql';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  ImportIssue_Severity as Severity,
  type ImportIssue,
} from '@rapport/contracts/rapport/customers/v1/customers_service';
import {
  OperationsServiceService,
  type ListOperationIssuesRequest,
  type ListOperationIssuesResponse,
} from '@rapport/contracts/rapport/customers/v1/operations_service';
import { type PageTokenKey, readPageToken, signPageToken } from '@rapport/persistence';
import { csvLine, currentCaller } from '@rapport/platform';
import { methodDescriptor } from '../values/contract.js';
import { shownToCaller } from '../fields/hidden-data.js';
import { reportOpener, reportSealer } from '../sealing/sealed-report.js';
import { found } from './operation-message.js';
import { Operation, OperationIssue } from './operation.entity.js';

const issuesDescriptor = methodDescriptor(OperationsServiceService.listOperationIssues.path).output;

const defaultPageSize = 100;
const downloadPageSize = 1_000;

/** Most issues of one operation that are stored. Further ones are only counted. */
const maxIssues = 1_000_000;

/** An issue of a row or of a record. */
interface AddedIssue extends Omit<ImportIssue, 'customerId' | 'field'> {
  field?: string | undefined;
  /** Of the type of the operation. */
  recordId?: string | undefined;
}

/**
 * Stores issues of an operation, which is locked, and counts them in `counts`. The column `customer_id` holds ids of records of the operation's type; it
 * keeps its name because the previous release reads it.
 */
export async function addIssues(em: EntityManager, operation: Operation, issues: AddedIssue[]): Promise<void> {
  const from = operation.counts.issues;
  operation.counts = { ...operation.counts, issues: from + issues.length };
  const kept = issues.slice(0, Math.max(0, maxIssues - from));
  if (kept.length === 0) return;
  const seal = await reportSealer(operation);
  const rows = kept.map(({ severity, line, reason, field, message, recordId }, index) => ({
    number: from + index,
    severity: Severity[severity],
    line,
    reason,
    field: field && seal(field),
    message: seal(message),
    customer_id: recordId,
  }));
  await em.execute(
    `insert into operation_issue (tenant_id, operation_id, number, severity, line, reason, field, message, customer_id)
     select ?, ?, issue.* from jsonb_to_recordset(?) as issue
       (number int, severity text, line int, reason text, field text, message text, customer_id uuid)`,
    [operation.tenantId, operation.id, JSON.stringify(rows)],
  );
}

/** Handles ListOperationIssues. */
export async function listIssues(
  em: EntityManager,
  pageTokenKey: PageTokenKey,
  { id, pageSize = defaultPageSize, pageToken }: ListOperationIssuesRequest,
): Promise<ListOperationIssuesResponse> {
  const { tenantId } = currentCaller();
  const binding = JSON.stringify(['ListOperationIssues', tenantId, id]);
  const [last] = pageToken === undefined ? [] : readPageToken(pageTokenKey, binding, pageToken);
  const operation = await findOperation(em, id);
  // One more issue than the page holds shows whether there is a next page.
  const rows = await issuesAfter(em, id, Number(last ?? -1), pageSize + 1);
  const page = await openIssues(operation, rows.slice(0, pageSize));
  const next = rows.length > pageSize ? page.at(-1) : undefined;
  return {
    issues: page.map(issueMessage),
    nextPageToken: next && signPageToken(pageTokenKey, binding, [String(next.number)]),
  };
}

/** Handles DownloadOperationIssues: streams a CSV file with at most 1,000 issues in memory. */
export async function* downloadIssues(em: EntityManager, id: string): AsyncGenerator<HttpBody> {
  const operation = await findOperation(em, id);
  yield csvPiece(csvLine(['severity', 'line', 'reason', 'field', 'message', 'customer_id']));
  for (let last = -1; ;) {
    const page = await openIssues(operation, await issuesAfter(em, id, last, downloadPageSize));
    if (page.length > 0) yield csvPiece(page.map(issueLine).join(''));
    if (page.length < downloadPageSize) return;
    last = page.at(-1)?.number ?? last;
  }
}

async function findOperation(em: EntityManager, id: string): Promise<Operation> {
  const { tenantId } = currentCaller();
  return found(await em.findOne(Operation, { tenantId, id }));
}

function issuesAfter(em: EntityManager, operationId: string, number: number, limit: number): Promise<OperationIssue[]> {
  const { tenantId } = currentCaller();
  const options = { orderBy: { number: 'asc' as const }, limit, disableIdentityMap: true };
  return em.find(OperationIssue, { tenantId, operationId, number: { $gt: number } }, options);
}

/** The issue as stored, with its texts in plain. */
type OpenIssue = Pick<OperationIssue, 'number' | 'severity' | 'line' | 'reason' | 'field' | 'message' | 'customerId'>;

async function openIssues({ sealed }: Operation, issues: readonly OperationIssue[]): Promise<readonly OpenIssue[]> {
  if (!sealed) return issues;
  const open = await reportOpener(issues.flatMap(({ message, field }) => (field ? [message, field] : [message])));
  return issues.map(({ number, severity, line, reason, field, message, customerId }) => ({
    ...{ number, severity, line, reason, customerId },
    ...{ field: field && open(field), message: open(message) },
  }));
}

function issueMessage({ severity, line, reason, field, message, customerId }: OpenIssue): ImportIssue {
  return {
    severity: Severity[severity],
    line,
    reason,
    field: field ?? undefined,
    message,
    customerId: customerId ?? undefined,
  };
}

function issueLine(issue: OpenIssue): string {
  const { severity, line, reason, field, customerId } = issue;
  const { issues } = shownToCaller(issuesDescriptor, { issues: [issueMessage(issue)] });
  const message = issues[0]?.message ?? '';
  return csvLine([severity, line === 0 ? '' : String(line), reason, field ?? '', message, customerId ?? '']);
}

function csvPiece(text: string): HttpBody {
  return { contentType: 'text/csv; charset=utf-8', data: Buffer.from(text), extensions: [] };
}
