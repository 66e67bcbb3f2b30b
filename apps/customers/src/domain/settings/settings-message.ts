import { SettingsServiceService, Weekday, type Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { formatEtag } from '@rapport/persistence';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { defaultTimeZone } from '../../engine/query/workspace-time-zone.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { WorkspaceSettings } from './settings.entity.js';

const descriptor = methodDescriptor(SettingsServiceService.getSettings.path).output;

/** Settings in the change log: those of the tenant have its id. */
export const loggedSettings: LoggedType = {
  name: 'settings',
  table: 'workspace_settings',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'TENANT' },
  permission: 'workspace',
  empty: {},
};

/** What callers decide on. */
export type SettingsContent = Pick<
  WorkspaceSettings,
  'baseCurrency' | 'timeZone' | 'locale' | 'weekStart' | 'fiscalYearStartMonth'
>;

export const defaultSettings: SettingsContent = {
  baseCurrency: 'USD',
  timeZone: defaultTimeZone,
  locale: 'en-US',
  weekStart: 'MONDAY',
  fiscalYearStartMonth: 1,
};

/** The version of settings that were never changed. */
export const initialVersion = 0;

/** Settings as the contract shows them. @param stored absent before the first change */
export function settingsMessage(stored: WorkspaceSettings | null): Settings {
  const { baseCurrency, timeZone, locale, weekStart, fiscalYearStartMonth } = stored ?? defaultSettings;
  return {
    ...{ baseCurrency, timeZone, locale, weekStart: Weekday[weekStart], fiscalYearStartMonth },
    etag: formatEtag(stored?.version ?? initialVersion),
    updateTime: stored?.updateTime.toISOString(),
    updatedBy: stored?.updatedBy,
  };
}
