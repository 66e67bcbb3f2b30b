import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import {
  DropIndicator,
  GridList,
  GridListItem,
  GridListLoadMoreItem,
  ListLayout,
  useDragAndDrop,
  Virtualizer,
  type DropTarget,
} from 'react-aria-components';
import { sentenceOf } from '../../app/boundaries.tsx';
import { format, labels, locale, t } from '../../app/language.ts';
import { textAt, type Json } from '../../contract/json.ts';
import { Icon, icons, join, Skeleton, text } from '../../kit/ui.tsx';
import { columnQuery, withMoves, type Beside, type Column } from './board-data.ts';
import { focusCard, lifted, useBoard } from './moves.ts';
import { CardActions, CardFace, ColumnHead, isLate } from './card.tsx';
import style from './board.module.css';

/** A column can have thousands of cards: only those in sight are drawn. The held card lies over the gap where it would go. */
const layout = { estimatedRowHeight: 102, gap: 8, padding: 8, loaderHeight: 60, dropIndicatorThickness: 102 };
const dragType = 'application/x-rapport-card';

/** A column with its cards. A card has the place where it is dropped, or that of its time, the newest first. */
export function BoardColumn({ column }: { column: Column }) {
  const board = useBoard();
  const { moves, columnName } = board;
  const { data, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(
    columnQuery(board.scope, column.key),
  );
  const isRanked = board.scope.verb !== undefined;
  const cards = useMemo(
    () => withMoves(column.key, data?.pages ?? [], moves.placed, isRanked).flatMap(({ items }) => items),
    [column.key, data, moves.placed, isRanked],
  );
  const hooks = useColumnDrag(column, cards);
  const held = moves.move?.isDropped === false ? moves.move : undefined;
  const isTarget = held !== undefined && held.to === column.key && held.from !== column.key;
  const isOver = isTarget && held.beside === undefined;
  return (
    <section className={join(style.column, isTarget && style.target)} aria-label={columnName(column)}>
      <ColumnHead column={column} loaded={cards.length} />
      <ColumnNotice column={column} />
      {isOver && (
        // Over the list, not before it: the list must not move away under the pointer.
        <div className={style.over}>
          <div className={join(style.card, style.lifted)} aria-hidden>
            <CardFace card={held.card} column={column} isNew />
          </div>
        </div>
      )}
      <Virtualizer layout={ListLayout} layoutOptions={layout}>
        <GridList
          aria-label={columnName(column)}
          className={join(style.cards, isOver && style.under)}
          dragAndDropHooks={hooks}
          data-column={column.key}
          dependencies={[moves.move, moves.returned]}
          renderEmptyState={() =>
            isPending ? <CardSkeletons /> : !isOver && <p className={style.empty}>{t('board.empty')}</p>
          }
        >
          {cards.map((card, index) => (
            <CardRow key={textAt(card, 'id')} card={card} column={column} place={index + 1} count={cards.length} />
          ))}
          {hasNextPage && (
            <GridListLoadMoreItem isLoading={isFetchingNextPage} onLoadMore={() => void fetchNextPage()}>
              <CardSkeletons />
            </GridListLoadMoreItem>
          )}
        </GridList>
      </Virtualizer>
    </section>
  );
}

function useColumnDrag(column: Column, cards: readonly Json[]) {
  const { moves, columns, refusal, scope } = useBoard();
  const isRanked = scope.verb !== undefined && cards.length > 0;
  // Between two cards, or in the whole of a column without cards or without an order. A pointer can also be beside all cards.
  const isPlace = (target: DropTarget) =>
    target.type === 'root' ? !isRanked || !lifted.byKey : scope.verb !== undefined && target.dropPosition !== 'on';
  const latest = useRef<{ beside: Beside; at: number }>(undefined);
  const placeAt = (target: DropTarget): Beside | undefined => {
    const beside = besideOf(target);
    if (beside) latest.current = { beside, at: Date.now() };
    if (beside || !isRanked) return beside;
    // On its way over the gap between two cards, the pointer stays at the place before; else it is below them all.
    const isOnItsWay = latest.current !== undefined && Date.now() - latest.current.at < 300;
    return isOnItsWay ? latest.current?.beside : { id: textAt(cards.at(-1), 'id'), position: 'after' };
  };
  const { dragAndDropHooks } = useDragAndDrop({
    getItems: (keys) => [...keys].map((key) => ({ [dragType]: String(key) })),
    acceptedDragTypes: [dragType],
    getAllowedDropOperations: () => ['move'],
    getDropOperation: (target) => {
      const { current } = moves.held;
      const from = columns.find(({ key }) => key === current?.from);
      if (!current || !from || !isPlace(target)) return 'cancel';
      return refusal(current.card, from, column) ? 'cancel' : 'move';
    },
    onDragStart: ({ keys }) => {
      const card = cards.find((each) => keys.has(textAt(each, 'id')));
      if (card) moves.lift(card, textAt(card, scope.hint.column));
    },
    onDragEnd: ({ keys }) => {
      moves.release();
      lifted.byKey = false;
      const [id] = keys;
      if (id !== undefined) focusCard(String(id));
    },
    onDropEnter: ({ target }) => moves.hover(column.key, placeAt(target)),
    onDropExit: () => moves.leave(column.key),
    onDrop: () => {
      const { current } = moves.held;
      if (current) moves.drop(current.card, current.from, column.key, current.beside);
    },
    renderDropIndicator: (target) => <HeldPlace target={target} column={column} />,
  });
  return dragAndDropHooks;
}

function besideOf(target: DropTarget): Beside | undefined {
  if (target.type === 'root' || target.dropPosition === 'on') return undefined;
  return { id: String(target.key), position: target.dropPosition };
}

/** The held card at the place where it would be dropped. */
function HeldPlace({ target, column }: { target: DropTarget; column: Column }) {
  const { moves } = useBoard();
  const card = moves.move?.card;
  return (
    <DropIndicator target={target} className={style.place}>
      {({ isDropTarget }) =>
        isDropTarget &&
        card && (
          <div className={join(style.card, style.lifted)}>
            <CardFace card={card} column={column} isNew />
          </div>
        )
      }
    </DropIndicator>
  );
}

function CardRow({ card, column, place, count }: { card: Json; column: Column; place: number; count: number }) {
  const { scope, moves, open, columnName } = useBoard();
  const id = textAt(card, 'id');
  const title = textAt(card, scope.hint.title);
  const back = moves.returned && textAt(moves.returned.card, 'id') === id ? moves.returned : undefined;
  return (
    <GridListItem
      id={id}
      textValue={title}
      onAction={() => open(card)}
      className={({ isDragging }) => {
        if (isDragging) return style.slot ?? '';
        const isWaiting = moves.move?.isDropped === true && textAt(moves.move.card, 'id') === id;
        return join(
          style.card,
          isLate(card, column, scope.hint.since) && style.late,
          isWaiting && style.waiting,
          back && style.back,
        );
      }}
    >
      {({ isDragging }) =>
        isDragging ? (
          <>
            <Icon of={icons.GripVertical} />
            <span className={text.cut}>{t('board.wasHere', { column: columnName(column), place, count })}</span>
            <CardActions card={card} column={column} />
          </>
        ) : (
          <>
            <CardFace card={card} column={column} />
            {back?.column === undefined && back && <ChangedMeanwhile card={back.card} column={column} />}
            <CardActions card={card} column={column} />
          </>
        )
      }
    </GridListItem>
  );
}

/** On a card that was put back because someone else had changed it. */
function ChangedMeanwhile({ card, column }: { card: Json; column: Column }) {
  const { people, columnName } = useBoard();
  const [kind = '', id = ''] = textAt(card, 'updatedBy').split(':');
  const who = people.get(id)?.name ?? t(kind === 'apiKey' ? 'board.anApiKey' : 'board.someone');
  return (
    <span className={style.why} role="alert">
      <Icon of={icons.TriangleAlert} small />
      {t('board.changed', { who, time: format.time(textAt(card, 'updateTime')), column: columnName(column) })}
    </span>
  );
}

/** Why the column does not take the held card, or did not take the one that was dropped. */
function ColumnNotice({ column }: { column: Column }) {
  const { moves, columns, refusal, scope } = useBoard();
  const { move, returned } = moves;
  const name = (fields: readonly string[]) =>
    new Intl.ListFormat(locale, { type: 'conjunction' }).format(
      fields.map((field) => labels.field(scope.resource.message, field)),
    );
  const from = columns.find(({ key }) => key === move?.from);
  const refused = move && from && !move.isDropped ? refusal(move.card, from, column) : undefined;
  if (refused)
    return (
      <p className={style.notice}>
        <Icon of={icons.Lock} />
        {refused.message ??
          (refused.missing.length > 0 ? t('board.needs', { fields: name(refused.missing) }) : t('board.noWay'))}
      </p>
    );
  if (returned?.column !== column.key) return null;
  const fields = returned.problem.errors
    .map(({ pointer }) => pointer.replace(/^\/(?:set\/)?/, ''))
    .filter((field) => field !== '');
  return (
    <p className={join(style.notice, style.failed)} role="alert">
      <Icon of={icons.TriangleAlert} />
      <span>
        {t('board.putBack', { title: textAt(returned.card, scope.hint.title) })}{' '}
        {fields.length > 0 && !fields.includes(scope.hint.column)
          ? t('board.needs', { fields: name(fields) })
          : sentenceOf(returned.problem)}
      </span>
    </p>
  );
}

function CardSkeletons() {
  return [18, 22, 16].map((width) => (
    <div key={width} className={style.card}>
      <Skeleton width={width} />
      <Skeleton width={width - 6} />
      <Skeleton width={8} />
    </div>
  ));
}
