import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  ConsentPagesServiceService as Methods,
  type ConfirmSubscriptionRequest,
  type ConsentPagesServiceServer,
  type SavePreferencesRequest,
  type ShowConfirmationPageRequest,
  type ShowPreferencesPageRequest,
  type ShowUnsubscribePageRequest,
  type UnsubscribeRequest,
} from '@rapport/contracts/rapport/marketing/v1/consent_pages_service';
import { Sealing } from '../../engine/sealing/sealing.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { confirmSubscription, showConfirmationPage } from './confirmation-page.js';
import { savePreferences, showPreferencesPage } from './preferences-page.js';
import { showUnsubscribePage, unsubscribe } from './unsubscribe-page.js';

@Controller()
@ImplementsService(Methods)
export class ConsentPagesController implements ServiceHandlers<ConsentPagesServiceServer> {
  constructor(
    readonly em: EntityManager,
    readonly sealing: Sealing,
    readonly suppressionKey: SuppressionKey,
  ) {}

  showUnsubscribePage(request: ShowUnsubscribePageRequest): Promise<HttpBody> {
    return showUnsubscribePage(this, request);
  }

  unsubscribe(request: UnsubscribeRequest): Promise<HttpBody> {
    return unsubscribe(this, request);
  }

  showPreferencesPage(request: ShowPreferencesPageRequest): Promise<HttpBody> {
    return showPreferencesPage(this, request);
  }

  savePreferences(request: SavePreferencesRequest): Promise<HttpBody> {
    return savePreferences(this, request);
  }

  showConfirmationPage(request: ShowConfirmationPageRequest): Promise<HttpBody> {
    return showConfirmationPage(this, request);
  }

  confirmSubscription(request: ConfirmSubscriptionRequest): Promise<HttpBody> {
    return confirmSubscription(this, request);
  }
}
