import { Button as AriaButton } from 'react-aria-components';
import { titleOf } from '../../hints/hints.ts';
import { useRecord } from '../../kit/record/names.tsx';
import { format, t } from '../../app/language.ts';
import { theContract } from '../../contract/contract.ts';
import { textAt, valueAt, type Json } from '../../contract/json.ts';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { Chip, Face, Icon, IconButton, icons, join, text } from '../../kit/ui.tsx';
import { isMoney } from '../../kit/record/value.tsx';
import { AgeTicks } from './age-ticks.tsx';
import style from './board.module.css';
import { daysSince, type Column, type ColumnTotal, type Move } from './board-data.ts';
import { useBoard } from './moves.ts';

/** What a card says; its frame is a row of the column. @param isNew whether it would enter the column only now */
export function CardFace({ card, column, isNew = false }: { card: Json; column: Column; isNew?: boolean }) {
  const { hint } = useBoard().scope;
  const days = isNew ? 0 : daysSince(textAt(card, hint.since));
  return (
    <>
      <span className={style.title}>{textAt(card, hint.title)}</span>
      <Subject card={card} />
      <Facts card={card} over={column.isOpen && column.limitDays !== undefined ? days - column.limitDays : 0} />
      {column.isOpen && <Age days={days} limitDays={column.limitDays} />}
    </>
  );
}

function Subject({ card }: { card: Json }) {
  const { hint, resource } = useBoard().scope;
  const field = theContract().field(resource.message, hint.subject ?? '');
  const name = titleOf(useRecord(field?.reference ?? '', textAt(card, field?.name ?? '')));
  if (textAt(card, field?.name ?? '') === '') return null;
  // A card is measured once, so the line has its height before the name is read.
  return (
    <span className={join(text.row, text.meta)}>
      <Face name={name} shape="company" />
      <span className={text.cut}>{name || '\u00a0'}</span>
    </span>
  );
}

function Facts({ card, over }: { card: Json; over: number }) {
  const { scope, people } = useBoard();
  const owner = people.get(textAt(card, 'ownerId'))?.name;
  const amount = valueAt(card, scope.hint.amount ?? '');
  const date = textAt(card, scope.hint.date ?? '');
  if (!isMoney(amount) && date === '' && owner === undefined && over <= 0) return null;
  return (
    <span className={style.facts}>
      <span className={style.fitting}>
        {isMoney(amount) && <span className={style.amount}>{format.money(amount)}</span>}
        {date !== '' && <time title={format.date(date)}>{format.day(date)}</time>}
      </span>
      {over > 0 && <Chip tone="warn">{t('board.over', { days: over })}</Chip>}
      {owner !== undefined && (
        <span role="img" aria-label={owner} title={owner}>
          <Face name={owner} />
        </span>
      )}
    </span>
  );
}

function Age({ days, limitDays }: { days: number; limitDays: number | undefined }) {
  const label = t(limitDays === undefined ? 'board.age' : 'board.ageOfLimit', { days, limit: limitDays ?? 0 });
  return <AgeTicks days={days} limitDays={limitDays} label={label} />;
}

/** Whether a card is longer in its column than it should be. */
export function isLate(card: Json, column: Column, since: string): boolean {
  return column.isOpen && column.limitDays !== undefined && daysSince(textAt(card, since)) > column.limitDays;
}

/** The handle for the drag by keyboard, and the menu that moves a card without a drag. */
export function CardActions({ card, column }: { card: Json; column: Column }) {
  const { columns, columnName, moves, refusal } = useBoard();
  return (
    <span className={style.actions}>
      <AriaButton slot="drag" className={text.hidden}>
        <Icon of={icons.GripVertical} small />
      </AriaButton>
      <Menu label={t('board.moveTo')} button={<IconButton name={t('board.moveTo')} icon={icons.Ellipsis} small />}>
        {columns.map((each) => (
          <MenuItem
            key={each.key}
            isDisabled={each.key === column.key || refusal(card, column, each) !== undefined}
            onAction={() => moves.drop(card, column.key, each.key)}
            icon={each.key === column.key ? icons.Check : undefined}
          >
            {columnName(each)}
          </MenuItem>
        ))}
      </Menu>
    </span>
  );
}

/** Name, count and sums of a column, with what the held card would change; probability and limit at the right. */
export function ColumnHead({ column, loaded }: { column: Column; loaded: number }) {
  const { totals, columnName, scope, moves } = useBoard();
  const { move } = moves;
  const delta = deltaText(move, column, scope.hint.amount);
  const total = totals.of.get(column.key);
  return (
    <header className={style.head}>
      <h2 className={text.cut}>
        {columnName(column)}{' '}
        <span className={text.faint}>{totals.isKnown && format.number(total?.count ?? loaded)}</span>
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
      {column.isOpen && column.probability !== undefined && scope.hint.amount !== undefined && (
        <Weighted total={total} probability={column.probability} />
      )}
    </header>
  );
}

/** What the sums are worth by the probability of the stage, as a bar of the whole. */
function Weighted({ total, probability }: { total: ColumnTotal | undefined; probability: number }) {
  const sums = (total?.sums ?? []).map(({ currencyCode, amount }) => ({
    currencyCode,
    amount: ((Number(amount) * probability) / 100).toFixed(0),
  }));
  return (
    <>
      <span className={join(text.row, text.meta)}>
        <Sums total={total && { ...total, sums }} />
      </span>
      <span className={text.meta}>{t('home.weighted.in')}</span>
      <span className={style.share} aria-hidden>
        <span style={{ width: `${probability}%` }} />
      </span>
    </>
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
