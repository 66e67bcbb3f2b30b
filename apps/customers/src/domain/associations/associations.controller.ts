import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  AssociationsServiceService as Methods,
  type Association as AssociationMessage,
  type AssociationsServiceServer,
  type CreateAssociationRequest,
  type DeleteAssociationRequest,
  type GetAssociationRequest,
  type ListAssociationsRequest,
  type ListAssociationsResponse,
  type ListRecordAssociationsRequest,
  type ListRecordAssociationsResponse,
  type UpdateAssociationRequest,
} from '@rapport/contracts/rapport/customers/v1/associations_service';
import { PageTokenKey } from '@rapport/persistence';
import { writeCall } from '../../engine/records/write-call.js';
import { associationMessage } from './association-message.js';
import { listAssociations, listRecordAssociations } from './list-associations.js';
import { findAssociation } from './stored-associations.js';
import { createAssociation, deleteAssociation, updateAssociation } from './write-association.js';

@Controller()
@ImplementsService(Methods)
export class AssociationsController implements ServiceHandlers<AssociationsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  createAssociation(request: CreateAssociationRequest): Promise<AssociationMessage> {
    return writeCall(this.em, Methods.createAssociation, request, (em) => createAssociation(em, request));
  }

  async getAssociation({ id }: GetAssociationRequest): Promise<AssociationMessage> {
    return associationMessage(await findAssociation(this.em, id, 'read'));
  }

  listAssociations(request: ListAssociationsRequest): Promise<ListAssociationsResponse> {
    return listAssociations(this.em, this.pageTokenKey, request);
  }

  listRecordAssociations(request: ListRecordAssociationsRequest): Promise<ListRecordAssociationsResponse> {
    return listRecordAssociations(this.em, this.pageTokenKey, request);
  }

  updateAssociation(request: UpdateAssociationRequest): Promise<AssociationMessage> {
    return writeCall(this.em, Methods.updateAssociation, request, (em) => updateAssociation(em, request));
  }

  deleteAssociation(request: DeleteAssociationRequest): Promise<AssociationMessage> {
    return writeCall(this.em, Methods.deleteAssociation, request, (em) => deleteAssociation(em, request));
  }
}
