import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  TimersServiceService as Methods,
  TimerState,
  type ListTimersRequest,
  type ListTimersResponse,
  type TimersServiceServer,
} from '@rapport/contracts/rapport/work/v1/timers_service';
import { PageTokenKey, queryRows, readPageToken, signPageToken } from '@rapport/persistence';
import { currentCaller } from '@rapport/platform';
import { permissionOf } from '../../engine/fields/record-names.js';
import { recordTypes, type RecordType } from '../../engine/fields/record-type.js';

const defaultPageSize = 20;

interface TimerRow {
  id: string;
  record_type: string;
  record_id: string;
  kind: string;
  purpose: string;
  state: keyof typeof TimerState;
  due: string;
  created: string;
  ended: string | null;
}

@Controller()
@ImplementsService(Methods)
export class TimersController implements ServiceHandlers<TimersServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  async listTimers({
    states,
    record,
    pageSize = defaultPageSize,
    pageToken,
  }: ListTimersRequest): Promise<ListTimersResponse> {
    const { tenantId, permissions } = currentCaller();
    const wanted = [...new Set(states)].map((state) => TimerState[state]).toSorted();
    const binding = JSON.stringify(['ListTimers', tenantId, wanted, record ?? null]);
    const [dueTime = null, id = null] =
      pageToken === undefined ? [] : readPageToken(this.pageTokenKey, binding, pageToken);
    const types = [...recordTypes()].filter((type) => permissions.includes(permissionOf(type, 'read')));
    if (types.length === 0) return { timers: [], nextPageToken: undefined };
    const [recordType = null, recordId = null] = record?.split('/') ?? [];
    const rows = await queryRows<TimerRow>(this.em, {
      name: `list_timers_${types.map(({ table }) => table).join('_')}`,
      sql: timersSql(types),
      values: [
        ...[tenantId, wanted.length > 0 ? wanted : ['PENDING'], recordType, recordId, dueTime, id],
        pageSize + 1,
      ],
    });
    const page = rows.slice(0, pageSize);
    const last = rows.length > pageSize ? page.at(-1) : undefined;
    return {
      timers: page.map(({ record_type, record_id, state, due, created, ended, ...timer }) => ({
        ...{ ...timer, recordType: record_type, recordId: record_id, state: TimerState[state] },
        ...{ dueTime: due, createTime: created, endTime: ended ?? undefined },
      })),
      nextPageToken: last && signPageToken(this.pageTokenKey, binding, [last.due, last.id]),
    };
  }
}

const text = (column: string) => `to_json(${column} at time zone 'UTC')#>>'{}' || 'Z'`;

/** @param types that the caller can read. Row-level security leaves the records in the caller's scope */
function timersSql(types: readonly RecordType[]): string {
  const cases = types.map(
    ({ table, singular }) => `when '${singular}' then exists (select from ${table} record
      where record.tenant_id = $1 and record.id = timer.record_id and record.delete_time is null)`,
  );
  return `select id, record_type, record_id, kind, purpose, state, ${text('due_time')} as due,
      ${text('create_time')} as created, ${text('end_time')} as ended
    from timer
    where tenant_id = $1 and state = any ($2::text[]) and ($3::text is null or (record_type = $3 and record_id = $4::uuid))
      and ($5::timestamptz is null or (due_time, id) > ($5, $6::uuid))
      and case record_type ${cases.join(' ')} else false end
    order by due_time, id limit $7`;
}
