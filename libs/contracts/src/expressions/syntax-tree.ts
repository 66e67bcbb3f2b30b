import type { ASTNode } from '@marcbachmann/cel-js';

/** Functions that evaluate their last argument for each item of a list. */
export const loops: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter']);

export function childrenOf({ args }: ASTNode): ASTNode[] {
  const parts: unknown[] = Array.isArray(args) ? args : [args];
  return parts.flat(2).filter((part): part is ASTNode => typeof part === 'object' && part !== null && 'op' in part);
}

/** Fields of a variable that a tree reads; `*` where it reads the variable as a whole, or a field whose name is computed. */
export function fieldsRead(node: ASTNode, variable: string): string[] {
  if (node.op === 'id') return node.args === variable ? ['*'] : [];
  const isField = node.op === '.' && node.args[0].op === 'id' && node.args[0].args === variable;
  return isField ? [node.args[1]] : childrenOf(node).flatMap((child) => fieldsRead(child, variable));
}
