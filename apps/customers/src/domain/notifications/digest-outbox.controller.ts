import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  DigestOutboxServiceService as Methods,
  type ClaimDigestsRequest,
  type ClaimDigestsResponse,
  type DigestOutboxServiceServer,
  type ListDigestTenantsRequest,
  type ListDigestTenantsResponse,
  type SettleDigestsRequest,
} from '@rapport/contracts/rapport/work/v1/digest_outbox_service';
import { Sealing } from '../../engine/sealing/sealing.js';
import { tenantsWithWork, writeForMail } from '../messages/mail-caller.js';
import { claimDigests, settleDigests } from './claim-digests.js';

/** Where browsers reach the console, without a slash at its end. */
export class ConsoleUrl {
  constructor(readonly text: string) {}
}

/** The digests to send. For sync only: each handler works for the tenant of its request. */
@Controller()
@ImplementsService(Methods)
export class DigestOutboxController implements ServiceHandlers<DigestOutboxServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    private readonly consoleUrl: ConsoleUrl,
  ) {}

  listDigestTenants({ afterTenantId }: ListDigestTenantsRequest): Promise<ListDigestTenantsResponse> {
    return tenantsWithWork(this.em, 'DIGEST', afterTenantId);
  }

  claimDigests(request: ClaimDigestsRequest): Promise<ClaimDigestsResponse> {
    return writeForMail(this, Methods.claimDigests, request, (each) =>
      claimDigests(each, this.consoleUrl.text, request),
    );
  }

  settleDigests(request: SettleDigestsRequest): Promise<Empty> {
    return writeForMail(this, Methods.settleDigests, request, async (each) => {
      await settleDigests(each, request);
      return {};
    });
  }
}
