import { LockMode, type EntityManager } from '@mikro-orm/postgresql';
import { readMask, type Updatable } from '@rapport/contracts';
import {
  Weekday,
  type Settings,
  type UpdateSettingsRequest,
} from '@rapport/contracts/rapport/work/v1/settings_service';
import { checkEtag } from '@rapport/persistence';
import { currentCaller, invalidArgument, type FieldViolation } from '@rapport/platform';
import { isIsoCurrency } from '@rapport/contracts/filters';
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
  if (JSON.stringify(after) === JSON.stringify(before)) return settingsMessage(stored);
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
  // Another call has made the first change: this one is made to its settings.
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

/** What a caller has sent, in the form in which it is stored. Undefined: the default. */
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

/** @throws AppError INVALID_ARGUMENT that names each setting that is none */
function checkContent({ baseCurrency, timeZone, locale }: SettingsContent): void {
  const checks: [field: string, isRight: boolean, reason: string, description: string][] = [
    [
      'baseCurrency',
      isIsoCurrency(baseCurrency),
      'UNKNOWN_CURRENCY',
      'must be a currency code of ISO 4217, such as EUR',
    ],
    [
      ...(['timeZone', knownTimeZone(timeZone) !== undefined, 'UNKNOWN_TIME_ZONE'] as const),
      'must be a name of the IANA time zone database, such as Europe/Berlin',
    ],
    [
      ...(['locale', canonicalLocale(locale) !== undefined, 'UNKNOWN_LOCALE'] as const),
      'must be a BCP 47 tag of a known language, such as de-DE',
    ],
  ];
  const violations = checks.flatMap(([field, isRight, reason, description]): FieldViolation[] =>
    isRight ? [] : [{ field: `settings.${field}`, reason, description }],
  );
  if (violations.length > 0) throw invalidArgument(violations);
}

/** The tag in its canonical form; undefined for one that is malformed or of an unknown language. */
function canonicalLocale(tag: string): string | undefined {
  try {
    const [canonical] = Intl.DateTimeFormat.supportedLocalesOf(tag);
    return canonical;
  } catch {
    return undefined;
  }
}

const timeZones = new Map(Intl.supportedValuesOf('timeZone').map((name) => [name.toLowerCase(), name]));

/** The name as the database spells it; undefined for one that it does not have. */
function knownTimeZone(name: string): string | undefined {
  const known = timeZones.get(name.toLowerCase());
  if (known !== undefined) return known;
  try {
    // Links, which are not among the supported values, are known too.
    new Intl.DateTimeFormat('en', { timeZone: name });
    return name;
  } catch {
    return undefined;
  }
}
