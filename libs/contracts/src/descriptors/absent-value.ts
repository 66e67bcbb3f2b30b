import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt';
import { ScalarType, type DescField } from '@bufbuild/protobuf';

/** ts-proto's value for an unset field that is not a list. */
export function absentValue(field: DescField): unknown {
  if (field.presence === FeatureSet_FieldPresence.EXPLICIT || field.message) return undefined;
  if (field.scalar === ScalarType.STRING) return '';
  return field.scalar === ScalarType.BOOL ? false : 0;
}
