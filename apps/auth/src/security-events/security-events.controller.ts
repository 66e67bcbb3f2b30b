import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import { AuditFault_Reason, type AuditHead, type AuditVerification } from '@rapport/contracts/rapport/api/v1/audit';
import {
  SecurityEventsServiceService,
  type ExportSecurityEventsRequest,
  type ListSecurityEventHeadsRequest,
  type ListSecurityEventHeadsResponse,
  type ListSecurityEventsRequest,
  type ListSecurityEventsResponse,
  type RecordDenialsRequest,
  type SecurityEventsServiceServer,
  type VerifySecurityEventsRequest,
} from '@rapport/contracts/rapport/auth/v1/security_events_service';
import {
  AuditKeys,
  exportAudit,
  findAuditHeads,
  listAudit,
  signAuditHead,
  tenantSession,
  verifyAudit,
} from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { Secrets } from '../storage/secrets.js';
import { BoundedEvents } from './bounded-events.js';
import { recordSecurityEvent } from './security-event.js';

/** Time limit of one verification, in milliseconds. Longer chains are verified in several calls. */
const verifyMs = 30_000;

@Controller()
@ImplementsService(SecurityEventsServiceService)
export class SecurityEventsController implements ServiceHandlers<SecurityEventsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly keys: AuditKeys,
    private readonly secrets: Secrets,
    private readonly events: BoundedEvents,
  ) {}

  async listSecurityEvents(request: ListSecurityEventsRequest): Promise<ListSecurityEventsResponse> {
    return listAudit(this.em, currentCaller().tenantId, this.secrets.pageTokenKey, request);
  }

  async *exportSecurityEvents(request: ExportSecurityEventsRequest): AsyncGenerator<HttpBody, void> {
    const { tenantId } = currentCaller();
    const em = this.em.fork({ session: tenantSession(tenantId) });
    await recordSecurityEvent(em, { kind: 'EXPORT', outcome: 'SUCCESS', detail: { of: 'securityEvents' } });
    // The content type precedes the first entry, so that an empty file has it too.
    yield { contentType: 'application/x-ndjson', data: Buffer.alloc(0), extensions: [] };
    for await (const lines of exportAudit(em, tenantId, request)) {
      yield { contentType: '', data: Buffer.from(lines), extensions: [] };
    }
  }

  async verifySecurityEvents({ range }: VerifySecurityEventsRequest): Promise<AuditVerification> {
    const { tenantId } = currentCaller();
    const check = { ...range, keys: this.keys, endMs: Date.now() + verifyMs };
    const { fault, ...verified } = await verifyAudit(this.em, tenantId, check);
    return { ...verified, fault: fault && { ...fault, reason: AuditFault_Reason[fault.reason] } };
  }

  async listSecurityEventHeads({
    pageSize = 50,
    beforeNumber,
  }: ListSecurityEventHeadsRequest): Promise<ListSecurityEventHeadsResponse> {
    const { tenantId } = currentCaller();
    const heads = await findAuditHeads(this.em, tenantId, { most: pageSize, before: beforeNumber });
    return { heads, keys: this.keys.publicKeys };
  }

  signSecurityEventHead(): Promise<AuditHead> {
    return signAuditHead(this.em, currentCaller().tenantId, this.keys);
  }

  async recordDenials({ denials }: RecordDenialsRequest): Promise<Empty> {
    for (const { tenantId, principalId, permission, method, requestId, address, userAgent } of denials) {
      await this.events.record(tenantId, {
        kind: 'PERMISSION_DENIED',
        outcome: 'DENIED',
        reason: 'PERMISSION_MISSING',
        detail: { permission, method },
        principalId,
        requestId,
        client: { address, userAgent },
      });
    }
    return {};
  }
}
