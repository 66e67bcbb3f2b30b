import type { DescEnum } from '@bufbuild/protobuf';

/** The names that REST uses for the values of an enum: without the type's prefix, and without the unspecified value. */
export function enumNames(desc: DescEnum): string[] {
  return desc.values.filter((value) => value.number !== 0).map((value) => value.localName);
}
