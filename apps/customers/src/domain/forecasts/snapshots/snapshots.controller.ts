import { Controller } from '@nestjs/common';
import { EntityManager } from '@mikro-orm/postgresql';
import { ImplementsService, type ServiceHandlers } from '@rapport/contracts';
import {
  ForecastSnapshotsServiceService as Methods,
  type CreateForecastSnapshotRequest,
  type ForecastSnapshot,
  type ForecastSnapshotsServiceServer,
  type GetForecastSnapshotRequest,
  type ListForecastSnapshotRowsRequest,
  type ListForecastSnapshotRowsResponse,
  type ListForecastSnapshotsRequest,
  type ListForecastSnapshotsResponse,
} from '@rapport/contracts/rapport/sales/v1/forecast_snapshots_service';
import { beyondScope, PageTokenKey, transactionPipeline } from '@rapport/persistence';
import { AppError, currentCaller } from '@rapport/platform';
import { writeCall } from '../../../engine/records/write-call.js';
import { findSnapshot, listSnapshotRows, listSnapshots } from './find-snapshots.js';
import { takeSnapshot } from './take-snapshot.js';

/** Most snapshots that a tenant asks for in 24 hours. */
const maxDaily = 20;

@Controller()
@ImplementsService(Methods)
export class ForecastSnapshotsController implements ServiceHandlers<ForecastSnapshotsServiceServer> {
  constructor(
    private readonly em: EntityManager,
    private readonly pageTokenKey: PageTokenKey,
  ) {}

  createForecastSnapshot(request: CreateForecastSnapshotRequest): Promise<ForecastSnapshot> {
    return writeCall(this.em, Methods.createForecastSnapshot, request, createSnapshot);
  }

  getForecastSnapshot({ id }: GetForecastSnapshotRequest): Promise<ForecastSnapshot> {
    return findSnapshot(this.em, id);
  }

  listForecastSnapshots(request: ListForecastSnapshotsRequest): Promise<ListForecastSnapshotsResponse> {
    return listSnapshots(this.em, this.pageTokenKey, request);
  }

  listForecastSnapshotRows(request: ListForecastSnapshotRowsRequest): Promise<ListForecastSnapshotRowsResponse> {
    return listSnapshotRows(this.em, this.pageTokenKey, request);
  }
}

async function createSnapshot(em: EntityManager): Promise<ForecastSnapshot> {
  const { tenantId, principalId } = currentCaller();
  const lock = `forecast_snapshot ${tenantId}`;
  const [, , counted = []] = await transactionPipeline(em, [
    { name: 'lock_forecast_snapshots', sql: 'select pg_advisory_xact_lock(hashtextextended($1, 0))', values: [lock] },
    beyondScope,
    {
      name: 'count_daily_forecast_snapshots',
      sql: `select count(*) as count, clock_timestamp() as now from forecast_snapshot
        where tenant_id = $1 and not nightly and time > now() - interval '24 hours'`,
      values: [tenantId],
    },
  ]);
  if (Number(counted[0]?.['count']) >= maxDaily) {
    const message = `A workspace takes at most ${maxDaily} snapshots in 24 hours.`;
    throw new AppError('RESOURCE_EXHAUSTED', 'TOO_MANY_FORECAST_SNAPSHOTS', message, { retryAfterSeconds: 3_600 });
  }
  const asOf = new Date(counted[0]?.['now'] as string);
  const id = await takeSnapshot(em, { tenantId, principalId, asOf, isNightly: false });
  return findSnapshot(em, id ?? '');
}
