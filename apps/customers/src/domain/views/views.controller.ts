import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import type { Empty } from '@rapport/contracts/google/protobuf/empty';
import {
  ViewsServiceService as Methods,
  type CreateViewRequest,
  type DeleteViewRequest,
  type GetViewRequest,
  type ListViewsRequest,
  type ListViewsResponse,
  type UpdateViewRequest,
  type View,
  type ViewsServiceServer,
} from '@rapport/contracts/rapport/work/v1/views_service';
import { PageTokenKey } from '@rapport/persistence';
import { LoggedTypes } from '../../engine/changes/log/logged-types.js';
import { writeCall } from '../../engine/records/write-call.js';
import { findView, listViews } from './find-views.js';
import { viewMessage } from './view-message.js';
import { createView, deleteView, updateView } from './write-view.js';

@Controller()
@ImplementsService(Methods)
export class ViewsController implements ServiceHandlers<ViewsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
    private readonly types: LoggedTypes,
  ) {}

  createView(request: CreateViewRequest): Promise<View> {
    return writeCall(this.em, Methods.createView, request, (em) => createView(em, this.types, request));
  }

  async getView({ id }: GetViewRequest): Promise<View> {
    return viewMessage(await findView(this.em, id));
  }

  listViews(request: ListViewsRequest): Promise<ListViewsResponse> {
    return listViews(this.em, this.pageTokenKey, request);
  }

  updateView(request: UpdateViewRequest): Promise<View> {
    return writeCall(this.em, Methods.updateView, request, (em) => updateView(em, this.types, request));
  }

  deleteView(request: DeleteViewRequest): Promise<Empty> {
    return writeCall(this.em, Methods.deleteView, request, async (em) => {
      await deleteView(em, request);
      return {};
    });
  }
}
