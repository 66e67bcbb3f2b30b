import { useText } from '../../app/language.ts';
import { valueAt } from '../../contract/json.ts';
import { useFormat } from '../../kit/format.ts';
import { isMoney } from '../../kit/value.tsx';
import { join } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { useBoard } from './board-context.ts';
import type { LaneTotal, Move } from './board-data.ts';
import type { Lane } from './lanes.ts';
import style from './board.module.css';

/** Name, count and sums of a lane, with what the held card would change; probability and limit at the right. */
export function LaneHead({ lane, loaded }: { lane: Lane; loaded: number }) {
  const t = useText();
  const format = useFormat();
  const { totals, laneName, scope, moves } = useBoard();
  const { move } = moves;
  const delta = deltaText(move, lane, scope.hint.amount, format.money);
  const total = totals.of.get(lane.key);
  return (
    <header className={style['head']}>
      <h2 className={text['cut']}>
        {laneName(lane)} <span className={text['faint']}>{format.number(total?.count ?? loaded)}</span>
      </h2>
      <span className={text['meta']}>{lane.probability !== undefined && format.percent(lane.probability / 100)}</span>
      <span className={text['row']}>
        {scope.hint.amount !== undefined && <Sums total={total} />}
        {delta !== undefined && (
          <span className={join(style['delta'], move?.to === lane.key && style['gain'])}>{delta}</span>
        )}
      </span>
      <span className={text['meta']}>
        {delta === undefined &&
          lane.isOpen &&
          lane.limitDays !== undefined &&
          t('board.limit', { days: lane.limitDays })}
      </span>
    </header>
  );
}

/** The sum in the first currency; the others are in the tooltip, since nothing is converted. */
export function Sums({ total }: { total: LaneTotal | undefined }) {
  const format = useFormat();
  const { currency } = useBoard();
  const sums = [...(total?.sums ?? [])].sort(
    (one, other) => Number(other.currencyCode === currency) - Number(one.currencyCode === currency),
  );
  const [first, ...more] = sums.map((sum) => format.money(sum));
  if (first === undefined) return <span className={text['faint']}>–</span>;
  return (
    <span className={text['cut']}>
      {first}
      {more.length > 0 && (
        <span className={text['faint']} title={more.join('\n')}>
          {' '}
          +{more.length}
        </span>
      )}
    </span>
  );
}

/** What the move takes from a lane, or brings to it. */
function deltaText(
  move: Move | undefined,
  lane: Lane,
  field: string | undefined,
  money: (value: { currencyCode: string; amount: string }) => string,
): string | undefined {
  const amount = valueAt(move?.card, field ?? '');
  if (!move || move.from === move.to || !isMoney(amount)) return undefined;
  if (lane.key === move.to) return `+${money(amount)}`;
  return lane.key === move.from ? `−${money(amount)}` : undefined;
}
