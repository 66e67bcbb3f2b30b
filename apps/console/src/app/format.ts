/** Of the browser, such as `Europe/Berlin`. */
export const zone = Intl.DateTimeFormat('en', { timeZone: undefined }).resolvedOptions().timeZone;
const dayMs = 86_400_000;

/** Values as a locale writes them. Times are in the zone of the browser. */
export function formatOf(locale: string) {
  const times = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  const hour = times({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = times({ day: 'numeric', month: 'short' });
  const dayOfYear = times({ day: 'numeric', month: 'short', year: 'numeric' });
  const year = times({ year: 'numeric' });
  const exact = times({ dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
  const plainDay = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
  });
  const plainShort = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', day: 'numeric', month: 'short' });
  const plainMonth = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', month: 'long', year: 'numeric' });
  const weekday = new Intl.DateTimeFormat(locale, {
    timeZone: 'UTC',
    weekday: 'short',
    day: 'numeric',
    month: 'short',
  });
  const numbers = new Intl.NumberFormat(locale);
  const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const countries = new Intl.DisplayNames(locale, { type: 'region', fallback: 'code' });
  const currencies = new Intl.DisplayNames(locale, { type: 'currency', fallback: 'none' });
  const isSame = (form: Intl.DateTimeFormat, one: Date, other: Date) => form.format(one) === form.format(other);
  return {
    number: (value: number) => numbers.format(value),
    percent: (share: number) => percents.format(share),
    money: ({ currencyCode, amount }: { currencyCode: string; amount: string }) =>
      moneyText(locale, currencyCode, amount),
    /** Writes sums in a currency; – without one. */
    moneyIn:
      (currencyCode: string, digits = 0) =>
      (sum: number): string =>
        currencyCode === '' ? '–' : moneyText(locale, currencyCode, sum.toFixed(digits)),
    /** A day, such as `2026-01-31`. */
    date: (text: string) => plainDay.format(new Date(`${text}T00:00:00Z`)),
    /** The same without the year: for days around today. */
    day: (text: string) => plainShort.format(new Date(`${text}T00:00:00Z`)),
    /** A month, such as `2026-01`. */
    month: (text: string) => plainMonth.format(new Date(`${text}-01T00:00:00Z`)),
    /** The hour of today, else the day; with the year unless it is this one. */
    time: (moment: string) => {
      const date = new Date(moment);
      if (isSame(dayOfYear, date, new Date())) return hour.format(date);
      return isSame(year, date, new Date()) ? day.format(date) : dayOfYear.format(date);
    },
    /** Day and hour, to the second. */
    exactTime: (moment: string) => exact.format(new Date(moment)),
    /** Such as `3 days ago`. */
    ago: (moment: string) => agoText(relative, Date.now() - Date.parse(moment)),
    /** Such as `14:05`. */
    hour: (moment: Date) => hour.format(moment),
    /** Such as `Mon, 30 Nov` of a day at 00:00 UTC. */
    weekday: (date: Date) => weekday.format(date),
    /** Such as `EUR, Euro`. */
    currency: (code: string) => [code, /^[A-Z]{3}$/.test(code) && currencies.of(code)].filter(Boolean).join(', '),
    country: (code: string) => (/^[A-Z]{2}$/.test(code) ? (countries.of(code) ?? code) : code),
  };
}

/** Decimal amounts stay text: a number would round them. */
function moneyText(locale: string, currency: string, amount: string): string {
  const isWhole = !/\.\d*[1-9]/.test(amount);
  const form = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    ...(isWhole && { minimumFractionDigits: 0, maximumFractionDigits: 0 }),
  });
  return form.format(amount as unknown as number);
}

function agoText(form: Intl.RelativeTimeFormat, ms: number): string {
  if (Math.abs(ms) < 60_000) return form.format(-Math.round(ms / 1_000), 'second');
  if (Math.abs(ms) < 3_600_000) return form.format(-Math.round(ms / 60_000), 'minute');
  if (Math.abs(ms) < dayMs) return form.format(-Math.round(ms / 3_600_000), 'hour');
  if (Math.abs(ms) < 60 * dayMs) return form.format(-Math.round(ms / dayMs), 'day');
  return form.format(-Math.round(ms / (30 * dayMs)), 'month');
}
