import { SettingsServiceService, Weekday, type Settings } from '@rapport/contracts/rapport/work/v1/settings_service';
import { formatEtag } from '@rapport/persistence';
import { loggedColumns, type LoggedType } from '../../engine/changes/log/logged-types.js';
import { defaultLocale, defaultTimeZone } from '../../engine/query/workspace-time-zone.js';
import { methodDescriptor } from '../../engine/values/contract.js';
import type { WorkspaceSettings } from './settings.entity.js';

const descriptor = methodDescriptor(SettingsServiceService.getSettings.path).output;

/** Settings in the change log. Their id is the tenant's. */
export const loggedSettings: LoggedType = {
  name: 'settings',
  table: 'workspace_settings',
  descriptor,
  columns: loggedColumns(descriptor),
  scope: { by: 'TENANT' },
  permission: 'workspace',
  empty: {},
};

/** The mutable part of settings. */
export type SettingsContent = Pick<
  WorkspaceSettings,
  'baseCurrency' | 'timeZone' | 'locale' | 'weekStart' | 'fiscalYearStartMonth'
>;

export const defaultSettings: SettingsContent = {
  baseCurrency: 'USD',
  timeZone: defaultTimeZone,
  locale: defaultLocale,
  weekStart: 'MONDAY',
  fiscalYearStartMonth: 1,
};

/** The version of settings before the first change. */
export const initialVersion = 0;

/** Settings as their message of the contract. @param stored absent before the first change */
export function settingsMessage(stored: WorkspaceSettings | null): Settings {
  const { baseCurrency, timeZone, locale, weekStart, fiscalYearStartMonth } = stored ?? defaultSettings;
  return {
    ...{ baseCurrency, timeZone, locale, weekStart: Weekday[weekStart], fiscalYearStartMonth },
    etag: formatEtag(stored?.version ?? initialVersion),
    updateTime: stored?.updateTime.toISOString(),
    updatedBy: stored?.updatedBy,
  };
}
