import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Campaign } from '@rapport/contracts/rapport/marketing/v1/campaign';
import {
  CampaignActionsServiceService as Methods,
  type AccountCampaignRequest,
  type AccountCampaignResponse,
  type CampaignActionsServiceServer,
  type CancelCampaignRequest,
  type EstimateCampaignRequest,
  type EstimateCampaignResponse,
  type PauseCampaignRequest,
  type PickCampaignWinnerRequest,
  type PreviewCampaignRequest,
  type PreviewCampaignResponse,
  type ResendCampaignRequest,
  type ResendCampaignResponse,
  type ResumeCampaignRequest,
  type ScheduleCampaignRequest,
  type StartCampaignRequest,
  type TestCampaignRequest,
  type TestCampaignResponse,
} from '@rapport/contracts/rapport/marketing/v1/campaign_actions_service';
import {
  inOpenTransaction,
  type StatementTransaction,
  type WriteMethod,
  type WriteRequest,
} from '@rapport/persistence';
import { liveRecord } from '../../engine/records/missing-record.js';
import { openStored, type StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { refuseNarrowScope } from '../../engine/records/scope/refuse-narrow-scopes.js';
import { hotWriteCall } from '../../engine/records/write-call.js';
import { PublicUrl } from '../links/public-links.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { accountCampaign, estimateCampaign } from './account-campaign.js';
import { campaigns } from './campaigns.js';
import { previewCampaign, testCampaign } from './show-campaign.js';
import { scheduleCampaign, startCampaign } from './start-campaign.js';
import { cancelCampaign, pauseCampaign, pickWinner, resendCampaign, resumeCampaign } from './steer-campaign.js';

@Controller()
@ImplementsService(Methods)
export class CampaignActionsController implements ServiceHandlers<CampaignActionsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly suppressionKey: SuppressionKey,
    private readonly publicUrl: PublicUrl,
  ) {}

  async testCampaign(request: TestCampaignRequest): Promise<TestCampaignResponse> {
    const sending = await this.#sending();
    return this.#write(Methods.testCampaign, request, async (transaction) =>
      testCampaign(transaction, sending, await find(transaction, request.id), request.test),
    );
  }

  async previewCampaign(request: PreviewCampaignRequest): Promise<PreviewCampaignResponse> {
    const sending = await this.#sending();
    return this.#read(async (transaction) =>
      previewCampaign(transaction, sending, await find(transaction, request.id), request),
    );
  }

  async estimateCampaign({ id }: EstimateCampaignRequest): Promise<EstimateCampaignResponse> {
    const key = await this.suppressionKey.of(this.em);
    return this.#read(async (transaction) => estimateCampaign(transaction, key, await find(transaction, id)));
  }

  accountCampaign({ id }: AccountCampaignRequest): Promise<AccountCampaignResponse> {
    // Others do not see all recipients, and would find those missing.
    refuseNarrowScope();
    return this.#read(async (transaction) => accountCampaign(transaction, await find(transaction, id)));
  }

  scheduleCampaign(request: ScheduleCampaignRequest): Promise<Campaign> {
    return this.#write(Methods.scheduleCampaign, request, (transaction) => scheduleCampaign(transaction, request));
  }

  startCampaign(request: StartCampaignRequest): Promise<Campaign> {
    return this.#write(Methods.startCampaign, request, (transaction) => startCampaign(transaction, request));
  }

  pauseCampaign(request: PauseCampaignRequest): Promise<Campaign> {
    return this.#write(Methods.pauseCampaign, request, (transaction) => pauseCampaign(transaction, request));
  }

  resumeCampaign(request: ResumeCampaignRequest): Promise<Campaign> {
    return this.#write(Methods.resumeCampaign, request, (transaction) => resumeCampaign(transaction, request));
  }

  cancelCampaign(request: CancelCampaignRequest): Promise<Campaign> {
    return this.#write(Methods.cancelCampaign, request, (transaction) => cancelCampaign(transaction, request));
  }

  pickCampaignWinner(request: PickCampaignWinnerRequest): Promise<Campaign> {
    return this.#write(Methods.pickCampaignWinner, request, (transaction) => pickWinner(transaction, request));
  }

  resendCampaign(request: ResendCampaignRequest): Promise<ResendCampaignResponse> {
    return this.#write(Methods.resendCampaign, request, (transaction) => resendCampaign(transaction, request));
  }

  async #sending(): Promise<{ key: SuppressionKey; publicUrl: string }> {
    return { key: await this.suppressionKey.of(this.em), publicUrl: this.publicUrl.text };
  }

  #write<Request extends WriteRequest, Response extends object>(
    method: WriteMethod<Request, Response>,
    request: Request,
    work: (transaction: StatementTransaction) => Promise<Response>,
  ): Promise<Response> {
    return hotWriteCall(this.em, method, request, work);
  }

  /** In one transaction, so that its statements see the same campaign. */
  #read<Response>(work: (transaction: StatementTransaction) => Promise<Response>): Promise<Response> {
    return this.em.transactional((em) => inOpenTransaction(em, work));
  }
}

/** @throws AppError NOT_FOUND */
async function find(transaction: StatementTransaction, id: string): Promise<Campaign> {
  const stored = await transaction.rows<StoredRecord<Campaign>>(liveRecords(campaigns, [id]));
  const [campaign] = await openStored(campaigns, stored);
  return liveRecord(transaction, campaigns, id, campaign);
}
