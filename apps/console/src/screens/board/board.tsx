import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import { ViewSwitch } from '../../kit/view-switch.tsx';
import { usePeople } from '../../kit/record/names.tsx';
import { useCustomFields, useMay } from '../../app/resource.ts';
import { Missing } from '../../app/boundaries.tsx';
import { words } from '../../app/labels.ts';
import { format, labels, t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { theContract, type Resource } from '../../contract/contract.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { hintsOf, type BoardHint } from '../../hints/hints.ts';
import { Select } from '../../kit/form/field.tsx';
import { useFilterNames } from '../../kit/filter/filter-completion.ts';
import { FilterInput } from '../../kit/filter/filter-input.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Button, icons, Keys, text } from '../../kit/ui.tsx';
import { columnsOf, placeOf, refusalOf, useTotals, verbOf, type BoardScope } from './board-data.ts';
import { pressOnCard, useHeldKeys, useMoves, BoardContext, type Board as Shared } from './moves.ts';
import { BoardColumn } from './column.tsx';
import style from './board.module.css';

/** A collection as a board: the stages of a pipeline, or the values of an enum, as columns. */
export function Board() {
  const { resource: name = '' } = useParams({ strict: false });
  const resource = theContract().resource(name);
  const hint = resource && hintsOf(resource).board;
  return resource && hint ? <BoardOf key={name} resource={resource} hint={hint} /> : <Missing />;
}

interface BoardSearch {
  pipeline?: string;
  filter?: string;
}

function BoardOf({ resource, hint }: { resource: Resource; hint: BoardHint }) {
  const search: BoardSearch = useSearch({ strict: false });
  const collection = theContract().field(resource.message, hint.pipeline ?? '')?.reference;
  const pipelines = theContract().resource(collection ?? '');
  const scope = { resource, hint, pipeline: undefined, written: search.filter ?? '', verb: verbOf(resource) };
  if (!pipelines) return <Columns scope={scope} pipelines={[]} />;
  return <PipelineBoard scope={scope} resource={pipelines} chosen={search.pipeline} />;
}

/** @param resource the collection of pipelines */
function PipelineBoard({ scope, resource, chosen }: { scope: BoardScope; resource: Resource; chosen?: string }) {
  const { data, isPending } = useQuery(readQuery(resource.list, { pageSize: 100 }));
  const pipelines = itemsAt(data, resource.items);
  const pipeline = pipelines.find((each) => each.id === chosen) ?? pipelines[0];
  if (isPending) return <Bar title={labels.resource(scope.resource.name)} />;
  if (!pipeline) return <NoPipeline resource={scope.resource} />;
  return <Columns key={textAt(pipeline, 'id')} scope={{ ...scope, pipeline }} pipelines={pipelines} />;
}

function Columns({ scope, pipelines }: { scope: BoardScope; pipelines: Json[] }) {
  const board = useBoardState(scope);
  const { move } = board.moves;
  const isHeld = move?.isDropped === false;
  useHeldKeys(isHeld);
  const [visible, setVisible] = useState(board.columns[0]?.key ?? '');
  return (
    <BoardContext value={board}>
      <BoardBar board={board} pipelines={pipelines} />
      <ToggleButtonGroup
        className={style.tabs}
        aria-label={scope.hint.column}
        disallowEmptySelection
        selectedKeys={[visible]}
        onSelectionChange={([key]) => setVisible(String(key))}
      >
        {board.columns.map((column) => (
          <ToggleButton key={column.key} id={column.key} className={style.tab}>
            {board.columnName(column)}{' '}
            <span className={text.faint}>
              {board.totals.isKnown && format.number(board.totals.of.get(column.key)?.count ?? 0)}
            </span>
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      <div
        className={style.board}
        data-visible={board.columns.findIndex(({ key }) => key === visible)}
        onKeyDownCapture={pressOnCard}
        onKeyUpCapture={pressOnCard}
      >
        {board.columns.map((column) => (
          <div key={column.key} className={style.frame} data-shown={column.key === visible}>
            <BoardColumn column={column} />
          </div>
        ))}
      </div>
      {isHeld && <HeldBar board={board} />}
    </BoardContext>
  );
}

function useBoardState(scope: BoardScope): Shared {
  const navigate = useNavigate();
  const { resource, hint, pipeline } = scope;
  const columns = columnsOf(resource, hint, pipeline);
  const moves = useMoves(
    scope,
    columns.map(({ key }) => key),
  );
  const { data: settings } = useQuery(readQuery('getSettings'));
  const enumName = theContract().field(resource.message, hint.column)?.of ?? '';
  return {
    scope,
    columns,
    moves,
    totals: useTotals(scope),
    currency: textAt(settings, 'baseCurrency') || undefined,
    people: usePeople(),
    columnName: (column) => column.name ?? labels.value(enumName, column.key),
    refusal: (card, from, to) => refusalOf(pipeline, from, to, card),
    open: (card) =>
      void navigate({ to: '/$resource/$id', params: { resource: resource.name, id: textAt(card, 'id') } }),
  };
}

function BoardBar({ board, pipelines }: { board: Shared; pipelines: Json[] }) {
  const navigate = useNavigate();
  const { resource, hint, pipeline, written } = board.scope;
  const names = useFilterNames(resource, useCustomFields({ resource, parents: {} }));
  const to = (search: BoardSearch) =>
    void navigate({ to: '/$resource/board', params: { resource: resource.name }, search: search as never });
  const count = [...board.totals.of.values()].reduce((sum, each) => sum + each.count, 0);
  const may = useMay();
  const create = () =>
    void navigate({
      to: `/${resource.name}/new`,
      search: (pipeline ? { [hint.pipeline ?? '']: textAt(pipeline, 'id') } : {}) as never,
    });
  useShortcut('c', 'list.new', create, may(resource.create));
  useShortcut('/', 'list.key.filter', () => document.querySelector<HTMLElement>('[data-filter]')?.focus());
  return (
    <Bar
      title={labels.resource(resource.name)}
      beside={
        board.totals.isKnown && (
          <span className={text.desk}>
            {t('board.count', { count })}
            <BaseSum board={board} />
          </span>
        )
      }
    >
      {hint.pipeline !== undefined && pipelines.length > 1 && (
        <Select
          label={t('board.pipeline')}
          isHiddenLabel
          value={textAt(pipeline, 'id')}
          options={pipelines.map((each) => ({ id: textAt(each, 'id'), name: textAt(each, 'name') }))}
          onChange={(id) => to({ pipeline: id, ...(written !== '' && { filter: written }) })}
        />
      )}
      <div className={style.filter}>
        <FilterInput
          resource={resource}
          parameters={{}}
          names={names}
          value={written}
          onChange={(filter) =>
            to({ ...(pipeline && { pipeline: textAt(pipeline, 'id') }), ...(filter !== '' && { filter }) })
          }
          fault={board.totals.fault}
        />
      </div>
      <ViewSwitch resource={resource.name} view="board" />
      {may(resource.create) && (
        <Button kind="primary" icon={icons.Plus} onPress={create}>
          <span className={text.fold}>{t('list.newOf', { name: labels.one(resource.singular) })}</span>
        </Button>
      )}
    </Bar>
  );
}

/** The open deals of the pipeline in the base currency, each converted before the sum; those without a rate are named. */
function BaseSum({ board }: { board: Shared }) {
  const { resource, pipeline, written } = board.scope;
  const sum = `sum${words(resource.singular)}Values`;
  const isAsked = theContract().hasOperation(sum) && pipeline !== undefined && written === '';
  const { data } = useQuery({
    ...readQuery(isAsked ? sum : 'getSettings', isAsked ? { pipelineId: textAt(pipeline, 'id') } : {}, isAsked),
    staleTime: 30_000,
  });
  const open = itemsAt(data, 'sums').find((each) => textAt(each, 'status') === 'OPEN');
  if (!open) return null;
  const missing = Number(open['missingCount'] ?? 0);
  const currency = textAt(data, 'currencyCode');
  return (
    <>
      {', '}
      {t('board.openValue', { value: format.money({ currencyCode: currency, amount: textAt(open, 'sum') }) })}
      {missing > 0 && ` ${t('board.noRate', { count: missing })}`}
    </>
  );
}

/** What is held, where it is, and the keys that move it. */
function HeldBar({ board }: { board: Shared }) {
  const { move } = board.moves;
  const column = board.columns.find(({ key }) => key === move?.to);
  if (!move || !column) return null;
  const count = (board.totals.of.get(column.key)?.count ?? 0) + (move.to === move.from ? 0 : 1);
  return (
    <footer className={style.held} role="status">
      <strong className={text.cut}>{textAt(move.card, board.scope.hint.title)}</strong>
      <span>
        {t('board.over.place', {
          column: board.columnName(column),
          place: placeOf(board.scope, move),
          count: format.number(count),
        })}
      </span>
      <span className={text.grow} />
      <Keys of={['←', '→']}>{t('board.key.column')}</Keys>
      {board.scope.verb !== undefined && <Keys of={['↑', '↓']}>{t('board.key.place')}</Keys>}
      <Keys of={[t('board.key.space')]}>{t('board.key.drop')}</Keys>
      <Keys of={['Esc']}>{t('board.key.back')}</Keys>
    </footer>
  );
}

function NoPipeline({ resource }: { resource: Resource }) {
  return (
    <>
      <Bar title={labels.resource(resource.name)} />
      <Nothing title={t('board.noPipeline')} help={t('board.noPipelineHelp')} />
    </>
  );
}
