import { CustomField, CustomField_Type } from '@rapport/contracts/rapport/customers/v1/custom_fields_service';
import { CustomObject } from '@rapport/contracts/rapport/objects/v1/custom_object';
import { ObjectRecord } from '@rapport/contracts/rapport/objects/v1/object_record';
import { newCaller, type SharedCustomers } from './running-customers.js';

/** A tenant of its own that defines objects, and the responses of its calls. */
export class ObjectTenant {
  constructor(
    readonly service: SharedCustomers,
    readonly caller = newCaller(),
  ) {}

  createObject(key: string, given: Partial<CustomObject> = {}): Promise<CustomObject> {
    const customObject = { ...CustomObject.decode(new Uint8Array()), key, displayName: key, ...given };
    return this.service.call('createCustomObject', { customObject }, this.caller);
  }

  createField(object: string, key: string, given: Partial<CustomField> = {}): Promise<CustomField> {
    const customField = CustomField.fromPartial({
      key,
      type: CustomField_Type.TEXT,
      recordType: `objects.${object}`,
      ...given,
    });
    return this.service.call('createCustomField', { customField }, this.caller);
  }

  create(object: string, given: Partial<ObjectRecord> = {}): Promise<ObjectRecord> {
    return this.service.call('createObjectRecord', { object, objectRecord: objectRecord(given) }, this.caller);
  }

  async names(object: string, request: { filter?: string; orderBy?: string; q?: string } = {}): Promise<string[]> {
    const answer = await this.service.call('listObjectRecords', { object, pageSize: 200, ...request }, this.caller);
    return answer.objectRecords.map(({ name }) => name);
  }
}

export function objectRecord(given: Partial<ObjectRecord> = {}): ObjectRecord {
  return { ...ObjectRecord.decode(new Uint8Array()), name: 'A record', ...given };
}
