import type { ASTNode } from '@marcbachmann/cel-js';

/** Functions that evaluate their last argument for each item of a list. */
export const loops: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter']);

export function childrenOf({ args }: ASTNode): ASTNode[] {
  const parts: unknown[] = Array.isArray(args) ? args : [args];
  return parts.flat(2).filter((part): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part);
}
