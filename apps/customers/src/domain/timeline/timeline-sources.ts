import { snakeCase } from '@rapport/contracts';
import { relatedText } from '@rapport/contracts/filters';
import { TimelineKind } from '@rapport/contracts/rapport/work/v1/timeline_service';
import { currentCaller } from '@rapport/platform';
import { permissionOf, recordName } from '../../engine/fields/record-names.js';
import { recordTypes, type RecordType } from '../../engine/fields/record-type.js';
import { term } from '../../engine/fields/terms.js';
import { linkTables, type LinkTable } from '../../engine/records/referring/link-tables.js';
import { endsOf, isLive } from '../associations/stored-associations.js';

/** Where the entries of one kind come from. */
export interface TimelineSource {
  kind: TimelineKind;
  /** What a caller needs to see them. */
  permission: string;
  /** Selects the columns of a `TimelineRow`. The parameters are those of `sourceValues`. */
  sql: string;
}

/** An entry without what has to be decrypted. */
export interface TimelineRow {
  kind: TimelineKind;
  /** Unique within the kind; orders entries of the same time. */
  id: string;
  /** In RFC 3339. */
  time: string;
  actor: string | null;
  refTable: string;
  refId: string;
  note: string | null;
  version: number | null;
  changed: string[] | null;
}

/** When the work of a type happened or is to happen, in SQL. */
const workTimes: Readonly<Record<string, string>> = {
  task: 'coalesce(complete_time, create_time)',
  note: 'create_time',
  call: 'coalesce(start_time, create_time)',
  meeting: `coalesce(start_time, (start_date || 'T00:00:00Z')::timestamptz, create_time)`,
  email: 'coalesce(sent_time, create_time)',
};

/** All sources of the timeline of a record of a type. A new type of work needs a line in `workTimes`. */
export function timelineSources(type: RecordType): TimelineSource[] {
  const work = [...recordTypes()].flatMap((each): TimelineSource[] => {
    const time = workTimes[each.table];
    if (time === undefined) return [];
    const columns = select(kindNamed(each.table), {
      time,
      id: 'id::text',
      actor: 'created_by',
      ref: [each.table, 'id'],
    });
    const sql = `${columns} from ${each.table} where tenant_id = $1 and terms @> array[$4] and delete_time is null`;
    return [{ kind: kindNamed(each.table), permission: permissionOf(each, 'read'), sql }];
  });
  return [...work, ...sales(type), ...tickets(type), files, ...associations(), changes(type)];
}

/** The parameters of all sources: $1 the tenant, $2 the id, $3 the resource name, $4 the term, $5 the table, $6 readable tables. */
export function sourceValues(type: RecordType, id: string): unknown[] {
  const { tenantId, permissions } = currentCaller();
  const readable = [...recordTypes()].filter((each) => permissions.includes(permissionOf(each, 'read')));
  const [work] = [...recordTypes()].filter(({ table }) => table in workTimes);
  const about = work && term(work, 'related', relatedText(type.singular, id));
  return [tenantId, id, recordName(type.table, id), about, type.table, readable.map(({ table }) => table)];
}

interface Selected {
  time: string;
  id: string;
  actor?: string;
  /** Table of the record, and SQL of its id. */
  ref: readonly [table: string, id: string];
  /** SQL of the table, where it differs from row to row. */
  refTable?: string;
  note?: string;
  version?: string;
  changed?: string;
}

function select(kind: TimelineKind, { time, id, actor, ref, refTable, note, version, changed }: Selected): string {
  return `select ${kind} as kind, ${id} collate "C" as id, date_trunc('milliseconds', ${time}) as at,
    ${actor ?? 'null'}::text as actor, ${refTable ?? `'${ref[0]}'`}::text as "refTable", ${ref[1]}::text as "refId",
    ${note ?? 'null'}::text as note, ${version ?? 'null'}::int as version, ${changed ?? 'null'}::text[] as changed`;
}

function kindNamed(table: string): TimelineKind {
  return TimelineKind[table.toUpperCase() as keyof typeof TimelineKind];
}

const created = { time: 'create_time', id: 'id::text', actor: 'created_by' };
const entered = { ...created, time: 'enter_time', ref: ['deal', 'deal_id'], note: 'stage' } as const;

/** The deals of a record, in SQL. */
const dealsOf: Readonly<Record<string, string>> = {
  customer: 'customer_id = $2::uuid',
  lead: 'id = (select deal_id from lead where tenant_id = $1 and id = $2::uuid)',
};

/** The tickets of a record, in SQL. */
const ticketsOf: Readonly<Record<string, string>> = { customer: 'customer_id = $2::uuid', deal: 'deal_id = $2::uuid' };

/** The tickets of a record, or the entries of a ticket itself. */
function tickets({ table }: RecordType): TimelineSource[] {
  const source = (kind: TimelineKind, from: string, condition: string): TimelineSource => ({
    ...{ kind, permission: 'tickets.read' },
    sql: `${select(kind, { ...created, ref: [from, 'id'] })} from ${from}
      where tenant_id = $1 and ${condition} and delete_time is null`,
  });
  if (table === 'ticket') return [source(TimelineKind.TICKET_ENTRY, 'ticket_entry', 'ticket_id = $2::uuid')];
  const condition = ticketsOf[table];
  return condition === undefined ? [] : [source(TimelineKind.TICKET, 'ticket', condition)];
}

/** The deals of a record, and the stages of these deals or of the deal itself. */
function sales({ table }: RecordType): TimelineSource[] {
  if (table === 'ticket') return [];
  const condition = dealsOf[table];
  const deals = `from deal where tenant_id = $1 and ${condition} and delete_time is null`;
  const stages = condition === undefined ? 'deal_id = $2::uuid' : `deal_id in (select id ${deals})`;
  const permission = 'deals.read';
  const deal: TimelineSource = {
    ...{ kind: TimelineKind.DEAL, permission },
    sql: `${select(TimelineKind.DEAL, { ...created, ref: ['deal', 'id'] })} ${deals}`,
  };
  const stage: TimelineSource = {
    ...{ kind: TimelineKind.STAGE, permission },
    sql: `${select(TimelineKind.STAGE, entered)} from stage_entry
      where tenant_id = $1 and delete_time is null and ${stages}`,
  };
  return condition === undefined ? [stage] : [deal, stage];
}

const files: TimelineSource = {
  ...{ kind: TimelineKind.FILE, permission: 'files.read' },
  sql: `${select(TimelineKind.FILE, { ...created, ref: ['file', 'id'] })} from file
    where tenant_id = $1 and record = $3 and delete_time is null`,
};

/** As in the list of a record's associations: both records are live, and the caller can read the types of both. */
function associations(): TimelineSource[] {
  const direction = (links: LinkTable, own: 'from' | 'to', other: 'from' | 'to'): TimelineSource => {
    const ends = endsOf(links);
    const columns = select(TimelineKind.ASSOCIATION, {
      ...{ time: 'link.create_time', id: 'link.id::text', note: 'link.type' },
      ...{ ref: ['', ends[other].id], refTable: ends[other].type },
    });
    const sql = `${columns} from ${links.table} link
      where link.tenant_id = $1 and ${ends[own].id} = $2::uuid and ${ends[own].type} = $5
        and ${ends[other].type} = any ($6::text[]) and ${isLive(ends[other])}`;
    return { kind: TimelineKind.ASSOCIATION, permission: 'customers.read', sql };
  };
  return linkTables.flatMap((links) => [direction(links, 'from', 'to'), direction(links, 'to', 'from')]);
}

function changes(type: RecordType): TimelineSource {
  const columns = select(TimelineKind.CHANGE, {
    ...{ time: 'time', id: `lpad(position::text, 20, '0')`, actor: 'actor', ref: [type.table, 'record_id'] },
    ...{ version: 'version', changed: 'changed_fields' },
  });
  const sql = `${columns} from change_log where tenant_id = $1 and record_id = $2::text and type = '${snakeCase(type.table)}'`;
  return { kind: TimelineKind.CHANGE, permission: permissionOf(type, 'read'), sql };
}
