import type { DescEnum, DescMessage } from '@bufbuild/protobuf';

/** Without the package: `Operation.State` of `rapport.customers.v1.Operation.State`. */
export function nameOf({ typeName }: DescMessage | DescEnum): string {
  return typeName.replace(/^(?:[a-z]\w*\.)+/, '');
}
