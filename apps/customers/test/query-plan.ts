/** A node of a plan, as EXPLAIN (FORMAT JSON) has it. */
export interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  'Index Cond'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** The row that EXPLAIN (FORMAT JSON) answers with. */
export interface Explained {
  'QUERY PLAN': { Plan: PlanNode }[];
}

/** The nodes of a plan, those of its parts included. */
export function nodesOf(explained: Explained | undefined): PlanNode[] {
  const withParts = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(withParts)];
  return (explained?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => withParts(Plan));
}

/** Rows of tables that a plan that was run has looked at. */
export function rowsRead(nodes: readonly PlanNode[]): number {
  return nodes
    .filter((node) => node['Relation Name'] !== undefined)
    .map((node) => {
      const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
      return ((node['Actual Rows'] ?? 0) + removed) * (node['Actual Loops'] ?? 1);
    })
    .reduce((sum, rows) => sum + rows, 0);
}
