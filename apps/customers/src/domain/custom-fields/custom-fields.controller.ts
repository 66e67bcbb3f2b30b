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
import { currentCaller } from '@rapport/platform';
import { writeCall } from '../../engine/records/write-call.js';
import { CustomField } from '../../engine/fields/custom-field.entity.js';
import { customFieldMessage } from './custom-field-message.js';
import {
  createCustomField,
  deleteCustomField,
  found,
  undeleteCustomField,
  updateCustomField,
} from './write-custom-field.js';

@Controller()
@ImplementsService(Methods)
export class CustomFieldsController implements ServiceHandlers<CustomFieldsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  createCustomField(request: CreateCustomFieldRequest): Promise<CustomFieldMessage> {
    return writeCall(this.em, Methods.createCustomField, request, (em) => createCustomField(em, request));
  }

  async getCustomField({ key }: GetCustomFieldRequest): Promise<CustomFieldMessage> {
    const { tenantId } = currentCaller();
    return customFieldMessage(found(await this.em.findOne(CustomField, { tenantId, key })));
  }

  async listCustomFields({ showDeleted }: ListCustomFieldsRequest): Promise<ListCustomFieldsResponse> {
    const { tenantId } = currentCaller();
    const definitions = await this.em.find(CustomField, { tenantId, ...(showDeleted ? {} : { deleteTime: null }) });
    // The database's collation need not be that of the keys.
    const sorted = definitions.sort((one, other) => (one.key < other.key ? -1 : 1));
    return { customFields: sorted.map(customFieldMessage) };
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
