import style from './age-ticks.module.css';

const ticks = 50;
const limitAt = 36;
const fallbackDays = 30;

/**
 * How long a card is in its column. The limit is always at the same tick, so that cards compare at a glance; columns without a limit show
 * thirty days instead, without the tall tick.
 *
 * @param label the age in words, for readers
 */
export function AgeTicks({ days, limitDays, label }: { days: number; limitDays: number | undefined; label: string }) {
  const scale = limitAt / (limitDays ?? fallbackDays);
  const filled = Math.min(ticks, days === 0 ? 1 : Math.max(1, Math.round(days * scale)));
  const within = limitDays === undefined ? filled : Math.min(filled, limitAt);
  return (
    <svg className={style.age} viewBox={`0 0 ${ticks * 4} 8`} preserveAspectRatio="none" role="img" aria-label={label}>
      <Run from={filled} to={ticks} name="rest" />
      <Run from={0} to={within} name="on" />
      {filled > within && <Run from={within} to={filled} name="over" />}
      {limitDays !== undefined && <path className={style.limit} d={`M${limitAt * 4 - 1} 0v8`} />}
    </svg>
  );
}

/** Ticks as the dashes of one line: four elements a card, not fifty. */
function Run({ from, to, name }: { from: number; to: number; name: string }) {
  return to > from ? <path className={style[name]} d={`M${from * 4} 4H${to * 4 - 2}`} /> : null;
}
