import type { DescMessage } from '@bufbuild/protobuf';

/** A message and those in it at any depth. Messages may contain each other. */
export function reachableMessages(desc: DescMessage): ReadonlySet<DescMessage> {
  const reached = new Set([desc]);
  // Iterating a Set includes the values added meanwhile.
  for (const { fields } of reached) for (const { message } of fields) if (message) reached.add(message);
  return reached;
}
