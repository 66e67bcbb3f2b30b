import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  CustomFieldsServiceService as Methods,
  type CreateCustomFieldRequest,
  type CustomField as CustomFieldMessage,
  type CustomFieldsServiceServer,
  type DeleteCustomFieldRequest,
  type GetCustomFieldRequest,
  type ListCustomFieldsRequest,
  type ListCustomFieldsResponse,
  type UndeleteCustomFieldRequest,
  type UpdateCustomFieldRequest,
} from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { writeCall } from '../../engine/records/write-call.js';
import { recordTypes } from '../../engine/fields/record-type.js';
import { getCustomField, listCustomFields } from './find-custom-fields.js';
import { createCustomField, deleteCustomField, undeleteCustomField, updateCustomField } from './write-custom-field.js';

@Controller()
@ImplementsService(Methods)
export class CustomFieldsController implements ServiceHandlers<CustomFieldsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  createCustomField(request: CreateCustomFieldRequest): Promise<CustomFieldMessage> {
    return writeCall(this.em, Methods.createCustomField, request, (em) =>
      createCustomField(em, request, recordTypes()),
    );
  }

  getCustomField(request: GetCustomFieldRequest): Promise<CustomFieldMessage> {
    return getCustomField(this.em, request);
  }

  listCustomFields(request: ListCustomFieldsRequest): Promise<ListCustomFieldsResponse> {
    return listCustomFields(this.em, request, recordTypes());
  }

  updateCustomField(request: UpdateCustomFieldRequest): Promise<CustomFieldMessage> {
    return writeCall(this.em, Methods.updateCustomField, request, (em) => updateCustomField(em, request));
  }

  deleteCustomField(request: DeleteCustomFieldRequest): Promise<CustomFieldMessage> {
    return writeCall(this.em, Methods.deleteCustomField, request, (em) => deleteCustomField(em, request));
  }

  undeleteCustomField(request: UndeleteCustomFieldRequest): Promise<CustomFieldMessage> {
    return writeCall(this.em, Methods.undeleteCustomField, request, (em) => undeleteCustomField(em, request));
  }
}
