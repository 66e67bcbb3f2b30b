import type { CustomFieldType } from '@rapport/contracts/filters';
import type { CustomField } from '../src/engine/fields/custom-field.entity.js';
import { CustomFields } from '../src/engine/fields/custom-fields.js';

/** A live definition that was never stored, for customers of both kinds. */
export function definition(key: string, type: CustomFieldType, more: Partial<CustomField> = {}): CustomField {
  const now = new Date();
  return {
    tenantId: '019ab2f4-0000-7000-8000-000000000001',
    key,
    recordType: 'customer',
    type,
    kind: null,
    displayName: null,
    description: null,
    options: [],
    searchable: false,
    version: 1,
    createTime: now,
    updateTime: now,
    deleteTime: null,
    ...more,
  };
}

/** One definition of each type, by the type's name in lower case. The options are red, green and blue. */
export function oneOfEach(): CustomFields {
  const options = ['red', 'green', 'blue'].map((value) => ({ value }));
  return new CustomFields([
    definition('text', 'TEXT'),
    definition('number', 'NUMBER'),
    definition('decimal', 'DECIMAL'),
    definition('money', 'MONEY'),
    definition('date', 'DATE'),
    definition('time', 'TIME'),
    definition('boolean', 'BOOLEAN'),
    definition('select', 'SELECT', { options }),
    definition('multi_select', 'MULTI_SELECT', { options }),
    definition('url', 'URL'),
    definition('reference', 'REFERENCE'),
  ]);
}
