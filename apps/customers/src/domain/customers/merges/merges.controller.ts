import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  MergesServiceService as Methods,
  type FindDuplicatesRequest,
  type FindDuplicatesResponse,
  type GetMergeRequest,
  type ListDuplicatesRequest,
  type ListDuplicatesResponse,
  type ListMergesRequest,
  type ListMergesResponse,
  type Merge as MergeMessage,
  type MergeCustomersRequest,
  type MergeCustomersResponse,
  type MergesServiceServer,
  type UnmergeCustomersRequest,
  type UnmergeCustomersResponse,
} from '@rapport/contracts/rapport/customers/v1/merges_service';
import { PageTokenKey } from '@rapport/persistence';
import { refuseToCompare } from '../../../engine/fields/hidden-data.js';
import { findMerge } from '../../../engine/merge/find-merge.js';
import { listMerges } from '../../../engine/merge/list-merges.js';
import { mergeCustomers } from '../../../engine/merge/merge-customers.js';
import { mergeMessage } from '../../../engine/merge/merge-message.js';
import { UndoFollower, unmergeCustomers } from '../../../engine/merge/unmerge-customers.js';
import { writeCall } from '../../../engine/records/write-call.js';
import { findDuplicates } from './find-duplicates.js';
import { listDuplicates } from './list-duplicates.js';
import { TenantFrequencies } from './tenant-frequencies.js';

@Controller()
@ImplementsService(Methods)
export class MergesController implements ServiceHandlers<MergesServiceServer> {
  private readonly frequencies = new TenantFrequencies();

  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
    private readonly undoFollower: UndoFollower,
  ) {}

  mergeCustomers(request: MergeCustomersRequest): Promise<MergeCustomersResponse> {
    return writeCall(this.em, Methods.mergeCustomers, request, (em) => mergeCustomers(em, request));
  }

  unmergeCustomers(request: UnmergeCustomersRequest): Promise<UnmergeCustomersResponse> {
    return writeCall(this.em, Methods.unmergeCustomers, request, (em) =>
      unmergeCustomers(em, request, this.undoFollower),
    );
  }

  async getMerge({ id }: GetMergeRequest): Promise<MergeMessage> {
    return mergeMessage(await findMerge(this.em, id));
  }

  listMerges(request: ListMergesRequest): Promise<ListMergesResponse> {
    return listMerges(this.em, this.pageTokenKey, request);
  }

  async findDuplicates(request: FindDuplicatesRequest): Promise<FindDuplicatesResponse> {
    refuseToCompare();
    return findDuplicates(this.em, this.frequencies, request);
  }

  async listDuplicates(request: ListDuplicatesRequest): Promise<ListDuplicatesResponse> {
    refuseToCompare();
    return listDuplicates(this.em, this.pageTokenKey, this.frequencies, request);
  }
}
