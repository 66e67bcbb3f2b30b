import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import { StageKind, type Pipeline } from '@rapport/contracts/rapport/sales/v1/pipeline';
import {
  PipelineReportsServiceService,
  type GetPipelineReportRequest,
  type PipelineReport,
  type PipelineReportsServiceServer,
  type StageReport,
} from '@rapport/contracts/rapport/sales/v1/pipeline_reports_service';
import { queryRows, readEachForTenant, type Statement } from '@rapport/persistence';
import { currentCaller, invalidArgument } from '@rapport/platform';
import { ofAll } from '../../engine/query/list/planner-settings.js';
import { liveRecord } from '../../engine/records/missing-record.js';
import type { StoredRecord } from '../../engine/records/record-rows.js';
import { liveRecords } from '../../engine/records/record-statements.js';
import { Values } from '../../engine/values/statement-values.js';
import { pipelines } from '../pipelines/pipelines.js';
import { ratio } from './decimals.js';

@Controller()
@ImplementsService(PipelineReportsServiceService)
export class PipelineReportsController implements ServiceHandlers<PipelineReportsServiceServer> {
  constructor(private readonly em: EntityManager) {}

  async getPipelineReport(request: GetPipelineReportRequest): Promise<PipelineReport> {
    const [found] = await queryRows<StoredRecord<Pipeline>>(this.em, liveRecords(pipelines, [request.id]));
    const pipeline = await liveRecord(this.em, pipelines, request.id, found?.record);
    const range = rangeOf(request);
    const statements = [stagesOf(request, range, pipeline), closedOf(request, range)];
    const [stages = [], closed = []] = await readEachForTenant<object>(this.em, statements, ofAll);
    return reportOf(pipeline, stages as StageRow[], closed[0] as ClosedRow);
  }
}

interface Range {
  start: string;
  end: string;
}

function rangeOf({ startTime, endTime }: GetPipelineReportRequest): Range {
  const [start, end] = [startTime ?? '-infinity', endTime ?? 'infinity'];
  if (startTime === undefined || endTime === undefined || new Date(startTime) < new Date(endTime))
    return { start, end };
  throw invalidArgument([{ field: 'endTime', reason: 'END_BEFORE_START', description: 'must be after startTime' }]);
}

interface StageRow {
  stage: string;
  entered: string;
  converted: string;
  lost: string;
  stays: string;
  median: number | null;
  p90: number | null;
}

/** The stays that began in the range, of deals that the caller can see, and where these deals have been since. */
function stagesOf(request: GetPipelineReportRequest, { start, end }: Range, { stages }: Pipeline): Statement {
  const values = new Values();
  const [tenant, pipeline] = [values.add(currentCaller().tenantId), values.add(request.id)];
  const list = stages.map(({ key, kind }, place) => ({ key, place, is_lost: kind === StageKind.LOST }));
  const since = (
    condition: string,
  ) => `exists (select from stage_entry later join stage other on other.key = later.stage
      where later.tenant_id = ${tenant} and later.deal_id = entry.deal_id and later.pipeline_id = ${pipeline}
        and later.enter_time >= entry.enter_time and later.delete_time is null and ${condition})`;
  const sql = `with stage as (
      select * from jsonb_to_recordset(${values.add(JSON.stringify(list))}::jsonb) as stage (key text, place int, is_lost boolean)
    ), entered as (
      select entry.deal_id, entry.stage, entry.duration_seconds,
        ${since('other.place > stage.place and not other.is_lost')} as is_converted, ${since('other.is_lost')} as is_lost
      from stage_entry entry join stage on stage.key = entry.stage
        join deal on deal.tenant_id = ${tenant} and deal.id = entry.deal_id and deal.delete_time is null
      where entry.tenant_id = ${tenant} and entry.pipeline_id = ${pipeline} and entry.delete_time is null
        and entry.enter_time >= ${values.add(start)}::timestamptz and entry.enter_time < ${values.add(end)}::timestamptz
        ${ownerConditions(request, values)}
    )
    select stage, count(distinct deal_id) as entered, count(distinct deal_id) filter (where is_converted) as converted,
      count(distinct deal_id) filter (where is_lost) as lost, count(duration_seconds) as stays,
      percentile_disc(0.5) within group (order by duration_seconds) as median,
      percentile_disc(0.9) within group (order by duration_seconds) as p90
    from entered group by stage`;
  return { sql, values: values.all };
}

interface ClosedRow {
  won: string;
  lost: string;
  median: number | null;
  p90: number | null;
}

/** The deals that were closed in the range. */
function closedOf(request: GetPipelineReportRequest, { start, end }: Range): Statement {
  const values = new Values();
  const cycle = 'floor(extract(epoch from close_time - create_time))::int';
  const percentile = (part: number) =>
    `percentile_disc(${part}) within group (order by ${cycle}) filter (where status = 'WON')`;
  const sql = `select count(*) filter (where status = 'WON') as won, count(*) filter (where status = 'LOST') as lost,
      ${percentile(0.5)} as median, ${percentile(0.9)} as p90
    from deal where tenant_id = ${values.add(currentCaller().tenantId)} and pipeline_id = ${values.add(request.id)}
      and delete_time is null and close_time >= ${values.add(start)}::timestamptz
      and close_time < ${values.add(end)}::timestamptz ${ownerConditions(request, values)}`;
  return { sql, values: values.all };
}

function ownerConditions({ ownerId, ownerTeamId }: GetPipelineReportRequest, values: Values): string {
  const owner = ownerId === undefined ? '' : `and deal.owner_id = ${values.add(ownerId)}::uuid`;
  return ownerTeamId === undefined ? owner : `${owner} and deal.owner_team_id = ${values.add(ownerTeamId)}::uuid`;
}

function reportOf({ id, stages }: Pipeline, rows: readonly StageRow[], closed: ClosedRow): PipelineReport {
  return {
    pipelineId: id,
    stages: stages.map(({ key, kind }) =>
      stageReport(
        key,
        kind,
        rows.find(({ stage }) => stage === key),
      ),
    ),
    ...{ wonCount: Number(closed.won), lostCount: Number(closed.lost) },
    winRate: ratio(closed.won, String(Number(closed.won) + Number(closed.lost))),
    salesCycleMedianSeconds: closed.median ?? undefined,
    salesCycleP90Seconds: closed.p90 ?? undefined,
  };
}

function stageReport(stage: string, kind: StageKind, row: StageRow | undefined): StageReport {
  return {
    ...{ stage, kind, enteredCount: Number(row?.entered ?? 0), convertedCount: Number(row?.converted ?? 0) },
    ...{ lostCount: Number(row?.lost ?? 0), stayCount: Number(row?.stays ?? 0) },
    conversionRate: row && ratio(row.converted, row.entered),
    ...{ medianSeconds: row?.median ?? undefined, p90Seconds: row?.p90 ?? undefined },
  };
}
