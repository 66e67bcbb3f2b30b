import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { HttpBody } from '@rapport/contracts/google/api/httpbody';
import {
  PrivacyServiceService as Methods,
  type EraseCustomerRequest,
  type Erasure as ErasureMessage,
  type ExportPersonalDataRequest,
  type GetErasureRequest,
  type ListErasuresRequest,
  type ListErasuresResponse,
  type PrivacyServiceServer,
} from '@rapport/contracts/rapport/customers/v1/privacy_service';
import type { Operation } from '@rapport/contracts/rapport/customers/v1/operations_service';
import { causedBy, PageTokenKey } from '@rapport/persistence';
import { v7 as uuidv7 } from 'uuid';
import { BulkWork } from '../../engine/pace/bulk-work.js';
import { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { Sequencer } from '../../engine/changes/log/sequencer.js';
import { refuseNarrowScope } from '../../engine/records/scope/refuse-narrow-scopes.js';
import { encryptPersonalData } from '../../engine/encryption/encrypt-personal-data.js';
import { KeyDestroyer } from '../../engine/encryption/key-destroyer.js';
import { FileStore } from '../../engine/files/file-store.js';
import { jobSignal } from '../../engine/operations/operation-jobs.js';
import { SuppressionKey } from '../suppressions/suppression-key.js';
import { writeCall } from '../../engine/records/write-call.js';
import { erasureOrigin } from '../../engine/changes/erasure/erasure-origin.js';
import { eraseCustomer } from './erase-customer.js';
import { exportPersonalData } from './export-personal-data.js';
import { getErasure, listErasures } from './find-erasures.js';

@Controller()
@ImplementsService(Methods)
export class PrivacyController implements ServiceHandlers<PrivacyServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly sequencer: Sequencer,
    private readonly pageTokenKey: PageTokenKey,
    private readonly suppressionKey: SuppressionKey,
    private readonly keyDestroyer: KeyDestroyer,
    private readonly bulk: BulkWork,
    private readonly types: LoggedTypes,
    private readonly files: FileStore,
  ) {}

  async *exportPersonalData({ id }: ExportPersonalDataRequest): AsyncGenerator<HttpBody, void> {
    // Gives positions to the most recent changes.
    await this.sequencer.caughtUp();
    yield* exportPersonalData({ em: this.em, types: this.types, key: this.suppressionKey }, this.bulk, id);
  }

  async eraseCustomer(request: EraseCustomerRequest): Promise<ErasureMessage> {
    const id = uuidv7();
    const cause = { origin: erasureOrigin, causationId: id };
    const erasure = await causedBy(this.em, cause, () =>
      writeCall(this.em, Methods.eraseCustomer, request, async (em) =>
        eraseCustomer(em, { key: await this.suppressionKey.of(em), files: this.files }, id, request),
      ),
    );
    jobSignal(this.em).wake();
    await this.keyDestroyer.destroyDue();
    return erasure;
  }

  encryptPersonalData(): Promise<Operation> {
    refuseNarrowScope();
    return encryptPersonalData(this.em);
  }

  getErasure({ id }: GetErasureRequest): Promise<ErasureMessage> {
    return getErasure(this.em, id);
  }

  listErasures(request: ListErasuresRequest): Promise<ListErasuresResponse> {
    return listErasures(this.em, this.pageTokenKey, request);
  }
}
