import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import {
  Weekday,
  type Settings,
  type UpdateSettingsRequest,
} from '@rapport/contracts/rapport/work/v1/settings_service';
import { checkEtag } from '@rapport/persistence';
import { canonicalLocale, currentCaller, invalidArgument, knownTimeZone, localeViolations } from '@rapport/platform';
import { isIsoCurrency } from '@rapport/contracts/filters';
import { sameValue } from '../../engine/values/same-value.js';
import { WorkspaceSettings } from './settings.entity.js';
import { defaultSettings, initialVersion, settingsMessage, type SettingsContent } from './settings-message.js';

const updatable: Updatable<keyof SettingsContent> = {
  name: 'settings',
  noun: 'the settings',
  fields: ['baseCurrency', 'timeZone', 'locale', 'weekStart', 'fiscalYearStartMonth'],
  fixed: { etag: 'OUTPUT_ONLY', updateTime: 'OUTPUT_ONLY', updatedBy: 'OUTPUT_ONLY' },
};

/** Changes the settings of the caller's tenant. Runs in a transaction. */
export async function updateSettings(em: EntityManager, request: UpdateSettingsRequest): Promise<Settings> {
  const { settings, updateMask, etag } = request;
  if (!settings) throw invalidArgument([{ field: 'settings', reason: 'REQUIRED', description: 'is required' }]);
  const mask = readMask(updateMask, updatable);
  const { tenantId, principalId } = currentCaller();
  const stored = await em.findOne(WorkspaceSettings, { tenantId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  checkEtag(etag, stored?.version ?? initialVersion);
  const before = contentOf(stored ?? defaultSettings);
  const given = contentOfMessage(settings);
  const after = {
    ...before,
    ...Object.fromEntries(mask.map((field) => [field, given[field] ?? defaultSettings[field]])),
  };
  checkContent(after);
  if (sameValue(after, before)) return settingsMessage(stored);
  if (stored) {
    em.assign(stored, { ...after, updateTime: new Date(), updatedBy: principalId, version: stored.version + 1 });
    await em.flush();
    return settingsMessage(stored);
  }
  const { baseCurrency, timeZone, locale, weekStart, fiscalYearStartMonth } = after;
  const made = await em.execute<unknown[]>(
    `insert into workspace_settings (tenant_id, id, base_currency, time_zone, locale, week_start, fiscal_year_start_month, version,
       update_time, updated_by)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (tenant_id) do nothing returning id`,
    [
      ...[tenantId, tenantId, baseCurrency, timeZone, locale, weekStart, fiscalYearStartMonth, initialVersion + 1],
      ...[new Date().toISOString(), principalId],
    ],
  );
  // Another call made the first change: apply this one to its settings.
  if (made.length === 0) return updateSettings(em, request);
  return settingsMessage(await em.findOneOrFail(WorkspaceSettings, { tenantId }));
}

function contentOf({
  baseCurrency,
  timeZone,
  locale,
  weekStart,
  fiscalYearStartMonth,
}: SettingsContent): SettingsContent {
  return { baseCurrency, timeZone, locale, weekStart, fiscalYearStartMonth };
}

/** A value of the request, ready to store. Undefined: the default. */
function contentOfMessage({
  baseCurrency,
  timeZone,
  locale,
  weekStart,
  fiscalYearStartMonth,
}: Settings): Partial<SettingsContent> {
  const day = weekStart === Weekday.UNSPECIFIED ? undefined : (Weekday[weekStart] as SettingsContent['weekStart']);
  return {
    ...(baseCurrency !== undefined && { baseCurrency }),
    ...(fiscalYearStartMonth !== undefined && { fiscalYearStartMonth }),
    ...(day !== undefined && { weekStart: day }),
    ...(locale !== undefined && { locale: canonicalLocale(locale) ?? locale }),
    ...(timeZone !== undefined && { timeZone: knownTimeZone(timeZone) ?? timeZone }),
  };
}

/** @throws AppError INVALID_ARGUMENT that names each invalid setting */
function checkContent({ baseCurrency, timeZone, locale }: SettingsContent): void {
  const violations = localeViolations('settings', { timeZone, locale });
  if (!isIsoCurrency(baseCurrency)) {
    const description = 'must be a currency code of ISO 4217, such as EUR';
    violations.unshift({ field: 'settings.baseCurrency', reason: 'CURRENCY_UNKNOWN', description });
  }
  if (violations.length > 0) throw invalidArgument(violations);
}
