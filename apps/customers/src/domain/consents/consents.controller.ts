import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  ConsentsServiceService as Methods,
  ConsentState,
  type Consent as ConsentMessage,
  type ConsentsServiceServer,
  type CreateConsentRequest,
  type GetConsentRequest,
  type ListConsentsRequest,
  type ListConsentsResponse,
} from '@rapport/contracts/rapport/customers/v1/consents_service';
import { PageTokenKey } from '@rapport/persistence';
import { claimsEnded } from '../suppressions/opt-out-lock.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { writeCall } from '../../engine/records/write-call.js';
import { createConsent } from './create-consent.js';
import { getConsent, listConsents } from './list-consents.js';

@Controller()
@ImplementsService(Methods)
export class ConsentsController implements ServiceHandlers<ConsentsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
    private readonly suppressionKey: SuppressionKey,
  ) {}

  async createConsent(request: CreateConsentRequest): Promise<ConsentMessage> {
    const consent = await writeCall(this.em, Methods.createConsent, request, async (em) =>
      createConsent(em, await this.suppressionKey.of(em), request),
    );
    if (consent.state === ConsentState.WITHDRAWN) await claimsEnded(this.em);
    return consent;
  }

  getConsent({ id }: GetConsentRequest): Promise<ConsentMessage> {
    return getConsent(this.em, id);
  }

  listConsents(request: ListConsentsRequest): Promise<ListConsentsResponse> {
    return listConsents(this.em, this.pageTokenKey, request);
  }
}
