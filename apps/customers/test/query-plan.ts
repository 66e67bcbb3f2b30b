import type { EntityManager } from '@mikro-orm/postgresql';
import { withConnection } from '@rapport/persistence';
import type { RecordType } from '../src/engine/fields/record-type.js';
import type { conditionsOf } from '../src/engine/query/list/list-conditions.js';
import type { PageQuery } from '../src/engine/query/list/page-statements.js';
import { executeWith, numbered, type PlannerSettings } from '../src/engine/query/list/planner-settings.js';
import type { PageStep } from '../src/engine/query/list/read-page.js';

/** A node of a plan, as EXPLAIN (FORMAT JSON) has it. */
export interface PlanNode {
  'Node Type': string;
  'Join Type'?: string;
  'Parent Relationship'?: string;
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

/** The nodes of a plan, including those of its parts. */
export function nodesOf(explained: Explained | undefined): PlanNode[] {
  const withParts = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(withParts)];
  return (explained?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => withParts(Plan));
}

/** The nodes of a statement's plan, including those of its parts. */
export async function planOf(
  em: EntityManager,
  { sql, params, settings }: Omit<PageStep, 'isSorted'>,
  isRun = false,
): Promise<PlanNode[]> {
  const explain = `explain (${isRun ? 'analyze, ' : ''}format json) ${sql}`;
  const [row] = await executeWith<Explained>(em, settings, { sql: explain, params });
  return nodesOf(row);
}

/** The first page of a list, of 20 live records plus one that shows whether there are more. */
export function firstPage(
  type: RecordType,
  tenantId: string,
  { orders, conditions }: Awaited<ReturnType<typeof conditionsOf>>,
  more: Partial<PageQuery> = {},
): PageQuery {
  const [order] = orders;
  if (!order) throw new Error('A list has an order.');
  return { type, tenantId, live: true, order, conditions, valued: true, after: undefined, limit: 21, ...more };
}

/** The nodes of the plan of a prepared statement, with their actual rows. */
export function preparedPlan(
  em: EntityManager,
  { sql, params }: Pick<PageStep, 'sql' | 'params'>,
  settings: PlannerSettings,
): Promise<PlanNode[]> {
  return withConnection(em, async (client) => {
    await client.query('begin');
    for (const setting of Object.entries(settings)) await client.query('select set_config($1, $2, true)', setting);
    await client.query(`prepare explained as ${numbered(sql)}`);
    const values = params.map((value) => `'${String(value).replaceAll("'", "''")}'`).join(', ');
    const { rows } = await client.query<Explained>(`explain (analyze, format json) execute explained (${values})`);
    await client.query('deallocate explained');
    await client.query('rollback');
    return nodesOf(rows[0]);
  });
}

const policy = `(NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid`;

/** Scans of a whole table, or of all rows of one tenant or one object. */
export function broadReads(nodes: PlanNode[]): PlanNode[] {
  return nodes.filter((node) => {
    if (!node['Node Type'].includes('Scan')) return false;
    if (node['Node Type'] === 'Seq Scan') return true;
    const others = node['Index Cond']
      ?.replaceAll(policy, '')
      .replace(/tenant_id = ('[^']*'::uuid)?/, '')
      .replace(/object = '[^']*'::text/, '');
    return others?.replace(/[()\s]|AND/g, '') === '';
  });
}

export function tablesReadWhole(nodes: PlanNode[]): (string | undefined)[] {
  return nodes.filter((node) => node['Node Type'].includes('Seq Scan')).map((node) => node['Relation Name']);
}

/** Rows that an executed plan has read from tables. */
export function rowsRead(nodes: readonly PlanNode[]): number {
  return rowsOf(nodes.filter((node) => node['Relation Name'] !== undefined));
}

/** Rows that an executed plan has read from its own intermediate results. */
export function rowsReadAgain(nodes: readonly PlanNode[]): number {
  return rowsOf(nodes.filter((node) => node['Node Type'] === 'CTE Scan'));
}

function rowsOf(nodes: readonly PlanNode[]): number {
  return nodes
    .map((node) => {
      const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
      return ((node['Actual Rows'] ?? 0) + removed) * (node['Actual Loops'] ?? 1);
    })
    .reduce((sum, rows) => sum + rows, 0);
}
