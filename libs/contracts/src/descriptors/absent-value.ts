import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { ScalarType, type DescField } from '@bufbuild/protobuf';

/** What ts-proto has for a field that is not set and is no list. */
export function absentValue(field: DescField): unknown {
  if (field.presence === FeatureSet_FieldPresence.EXPLICIT || field.message) return undefined;
  if (field.scalar === ScalarType.STRING) return '';
  return field.scalar === ScalarType.BOOL ? false : 0;
}
