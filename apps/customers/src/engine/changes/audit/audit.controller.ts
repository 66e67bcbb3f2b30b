import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import {
  ImplementsService,
  platformContract,
  recordContracts,
  snakeCase,
  type ServiceHandlers,
} from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import { AuditFault_Reason, type AuditHead, type AuditVerification } from '@rapport/contracts/rapport/api/v1/audit';
import {
  AuditServiceService,
  type AuditServiceServer,
  type ExportAuditEntriesRequest,
  type ListAuditEntriesRequest,
  type ListAuditEntriesResponse,
  type ListAuditHeadsRequest,
  type ListAuditHeadsResponse,
  type VerifyAuditEntriesRequest,
} from '@rapport/contracts/rapport/customers/v1/audit_service';
import {
  AuditKeys,
  exportAudit,
  findAuditHeads,
  listAudit,
  PageTokenKey,
  recordAuditEvent,
  signAuditHead,
  tenantSession,
  verifyAudit,
} from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { Sequencer } from '../log/sequencer.js';
import { findOtherChanges } from './audited-changes.js';

/** Duration of one verification call, in milliseconds: a longer chain takes several calls. */
const verifyMs = 30_000;

/** The types of entries by the plurals that begin the names of records elsewhere, as in `customers/019ab2f4-…`. */
const typesByPlural = new Map(
  recordContracts(platformContract()).map(({ plural, singular }) => [plural, snakeCase(singular)]),
);

/** The name of a record in entries, such as `customer/019ab2f4-…`. */
function entryName(record: string): string {
  const [type = '', ...rest] = record.split('/');
  return [typesByPlural.get(type) ?? type, ...rest].join('/');
}

@Controller()
@ImplementsService(AuditServiceService)
export class AuditController implements ServiceHandlers<AuditServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly keys: AuditKeys,
    private readonly pageTokenKey: PageTokenKey,
    private readonly sequencer: Sequencer,
  ) {}

  async listAuditEntries(request: ListAuditEntriesRequest): Promise<ListAuditEntriesResponse> {
    // So that callers find their most recent changes.
    await this.sequencer.caughtUp();
    const record = request.record && entryName(request.record);
    return listAudit(this.em, currentCaller().tenantId, this.pageTokenKey, { ...request, record });
  }

  async *exportAuditEntries(request: ExportAuditEntriesRequest): AsyncGenerator<HttpBody, void> {
    const { tenantId } = currentCaller();
    const em = this.em.fork({ session: tenantSession(tenantId) });
    await recordAuditEvent(em, { kind: 'EXPORT', detail: { of: 'auditEntries' } });
    // An empty file has a content type too.
    yield { contentType: 'application/x-ndjson', data: Buffer.alloc(0), extensions: [] };
    for await (const lines of exportAudit(em, tenantId, request)) {
      yield { contentType: '', data: Buffer.from(lines), extensions: [] };
    }
  }

  async verifyAuditEntries({ range }: VerifyAuditEntriesRequest): Promise<AuditVerification> {
    const { tenantId } = currentCaller();
    const check = { ...range, keys: this.keys, endMs: Date.now() + verifyMs, findOtherContent: findOtherChanges };
    const { fault, ...verified } = await verifyAudit(this.em, tenantId, check);
    return { ...verified, fault: fault && { ...fault, reason: AuditFault_Reason[fault.reason] } };
  }

  async listAuditHeads({ pageSize = 50, beforeNumber }: ListAuditHeadsRequest): Promise<ListAuditHeadsResponse> {
    const { tenantId } = currentCaller();
    const heads = await findAuditHeads(this.em, tenantId, { most: pageSize, before: beforeNumber });
    return { heads, keys: this.keys.publicKeys };
  }

  signAuditHead(): Promise<AuditHead> {
    return signAuditHead(this.em, currentCaller().tenantId, this.keys);
  }
}
