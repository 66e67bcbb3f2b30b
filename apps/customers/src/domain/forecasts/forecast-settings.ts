import type { EntityManager } from '@mikro-orm/postgresql';
import { queryRows } from '@rapport/persistence';
import { defaultTimeZone } from '../../engine/query/workspace-time-zone.js';

/** What forecasts need of the settings of a workspace. */
export interface ForecastSettings {
  timeZone: string;
  fiscalYearStartMonth: number;
  baseCurrency: string;
}

/** Until a workspace chooses one, as the function base_currency of the database says. */
const defaultCurrency = 'USD';

/** The settings as they are, or as of a time of the log. */
export async function forecastSettings(
  em: EntityManager,
  tenantId: string,
  since: string | undefined,
): Promise<ForecastSettings> {
  const current = {
    name: 'forecast_settings',
    sql: `select time_zone, fiscal_year_start_month, base_currency from workspace_settings where tenant_id = $1`,
    values: [tenantId],
  };
  const former = {
    name: 'former_forecast_settings',
    sql: `select past.time_zone, past.fiscal_year_start_month, past.base_currency
      from (select $1::uuid as id) wanted left join records_before('settings', $2::timestamptz) changed on true
        left join workspace_settings on workspace_settings.tenant_id = wanted.id
        cross join lateral jsonb_populate_record(workspace_settings, coalesce(changed.before, '{}')) as past
      where changed.is_new is not true and past.tenant_id is not null`,
    values: [tenantId, since],
  };
  const [row] = await queryRows<{ time_zone: string; fiscal_year_start_month: number; base_currency: string }>(
    em,
    since === undefined ? current : former,
  );
  return {
    timeZone: row?.time_zone ?? defaultTimeZone,
    fiscalYearStartMonth: row?.fiscal_year_start_month ?? 1,
    baseCurrency: row?.base_currency ?? defaultCurrency,
  };
}
