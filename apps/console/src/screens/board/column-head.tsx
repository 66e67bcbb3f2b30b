import { format, t } from '../../app/language.ts';
import { valueAt } from '../../contract/api.ts';
import { isMoney } from '../../kit/record/value.tsx';
import { join } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { useBoard } from './board-context.ts';
import type { ColumnTotal, Move } from './board-data.ts';
import type { Column } from './columns.ts';
import style from './board.module.css';

/** Name, count and sums of a column, with what the held card would change; probability and limit at the right. */
export function ColumnHead({ column, loaded }: { column: Column; loaded: number }) {
  const { totals, columnName, scope, moves } = useBoard();
  const { move } = moves;
  const delta = deltaText(move, column, scope.hint.amount);
  const total = totals.of.get(column.key);
  return (
    <header className={style.head}>
      <h2 className={text.cut}>
        {columnName(column)} <span className={text.faint}>{format.number(total?.count ?? loaded)}</span>
      </h2>
      <span className={text.meta}>{column.probability !== undefined && format.percent(column.probability / 100)}</span>
      <span className={text.row}>
        {scope.hint.amount !== undefined && <Sums total={total} />}
        {delta !== undefined && (
          <span className={join(style.delta, move?.to === column.key && style.gain)}>{delta}</span>
        )}
      </span>
      <span className={text.meta}>
        {delta === undefined &&
          column.isOpen &&
          column.limitDays !== undefined &&
          t('board.limit', { days: column.limitDays })}
      </span>
    </header>
  );
}

/** The sum in the first currency; the others are in the tooltip, since nothing is converted. */
export function Sums({ total }: { total: ColumnTotal | undefined }) {
  const { currency } = useBoard();
  const sums = [...(total?.sums ?? [])].sort(
    (one, other) => Number(other.currencyCode === currency) - Number(one.currencyCode === currency),
  );
  const [first, ...more] = sums.map((sum) => format.money(sum));
  if (first === undefined) return <span className={text.faint}>–</span>;
  return (
    <span className={text.cut}>
      {first}
      {more.length > 0 && (
        <span className={text.faint} title={more.join('\n')}>
          {' '}
          +{more.length}
        </span>
      )}
    </span>
  );
}

/** What the move takes from a column, or brings to it. */
function deltaText(move: Move | undefined, column: Column, field: string | undefined): string | undefined {
  const amount = valueAt(move?.card, field ?? '');
  if (!move || move.from === move.to || !isMoney(amount)) return undefined;
  if (column.key === move.to) return `+${format.money(amount)}`;
  return column.key === move.from ? `−${format.money(amount)}` : undefined;
}
