import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useMay } from '../../../app/resource.ts';
import { labels, t } from '../../../app/language.ts';
import { useShortcut } from '../../../app/shortcuts.ts';
import { theContract, type Field, type Resource } from '../../../contract/contract.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { Button, Icon, IconButton, icons, text, type IconType } from '../../../kit/ui.tsx';
import { exportRows } from '../list-bar.tsx';
import type { RowStates } from '../use-row-states.tsx';
import type { ListState, Rows } from '../search.ts';
import style from '../list.module.css';
import { useBulk, type Bulk } from './use-bulk.ts';
import { SetDialog } from './set-dialog.tsx';

interface BulkBarProps {
  list: ListState;
  ids: ReadonlySet<string>;
  setIds: (ids: ReadonlySet<string>) => void;
  cursor: Json | undefined;
  states: RowStates;
}

/** Fields that have a key of their own, where a record has them. */
const fieldKeys: Readonly<Record<string, { key: string; icon: IconType }>> = {
  ownerId: { key: 'o', icon: icons.UserRound },
  tags: { key: 't', icon: icons.Tag },
};

/** What can be done with the selected rows, or by its key with the one at the cursor. */
export function BulkBar(props: BulkBarProps) {
  const { list, ids, setIds, cursor, states } = props;
  const { resource, parents } = list;
  const [dialog, setDialog] = useState<BulkDialog>();
  const may = useMay(parents);
  const close = () => setDialog(undefined);
  const cursorId = textAt(cursor, 'id');
  const selected = states.rows.filter((row) => ids.has(textAt(row, 'id')));
  const records = selected.length > 0 ? selected : states.rows.filter((row) => textAt(row, 'id') === cursorId);
  const bulk = useBulk(resource, parents, records, states, () => setIds(new Set()));
  const fields = theContract()
    .fields(resource.message)
    .filter((field) => !field.output && !field.once);
  useShortcut('e', 'list.key.edit', () => setDialog('edit'), may(resource.batchUpdate) && records.length > 0);
  return (
    <>
      {selected.length > 0 && (
        <BulkActions {...props} selected={selected} bulk={bulk} fields={fields} open={setDialog} />
      )}
      {dialog !== undefined && (
        <SetDialog
          resource={resource}
          fields={dialog === 'edit' ? fields : [dialog]}
          records={records}
          onSet={bulk.set}
          onClose={close}
        />
      )}
    </>
  );
}

type BulkDialog = 'edit' | Field;

interface BulkActionsProps extends BulkBarProps {
  selected: readonly Json[];
  bulk: Bulk;
  fields: readonly Field[];
  open: (dialog: BulkDialog) => void;
}

function BulkActions({ list, setIds, states, selected, bulk, fields, open }: BulkActionsProps) {
  const { resource, parents, data } = list;
  const may = useMay(parents);
  const navigate = useNavigate();
  const isDeleted = selected.every((row) => states.stateOf(row)?.kind === 'deleted');
  const canUpdate = may(resource.batchUpdate) && !isDeleted;
  const canDelete = may(resource.batchDelete) && !isDeleted;
  const canMerge = may(mergeOf(resource)) && selected.length === 2 && !isDeleted;
  const clear = () => setIds(new Set());
  const merge = () => {
    const [left, right] = selected.map((row) => textAt(row, 'id'));
    void navigate({ to: '/duplicates', search: { left, right } });
  };
  useShortcut('m', 'list.merge', merge, canMerge);
  useShortcut('delete', 'list.delete', () => void bulk.remove(), canDelete);
  return (
    <div className={style.bulk} role="toolbar" aria-label={t('list.selection')}>
      <BulkCount selected={selected.length} rows={states.rows} data={data} setIds={setIds} />
      {canUpdate && (
        <span className={style.wide}>
          {quickFields(fields).map((field) => (
            <FieldButton
              key={field.name}
              field={field}
              name={labels.field(resource.message, field.name)}
              onPress={() => open(field)}
            />
          ))}
        </span>
      )}
      {canUpdate && (
        <Button kind="bare" icon={icons.SquarePen} shortcut="E" onPress={() => open('edit')}>
          {t('list.edit')}
        </Button>
      )}
      {canMerge && (
        <Button kind="bare" icon={icons.Merge} shortcut="M" onPress={merge}>
          {t('list.merge')}
        </Button>
      )}
      {may(resource.export) && (
        <span className={style.wide}>
          <Button
            kind="bare"
            icon={icons.Upload}
            onPress={() => void exportRows(resource, { ...parents, filter: bulk.filter })}
          >
            {t('list.export')}
          </Button>
        </span>
      )}
      {isDeleted && (
        <Button kind="bare" icon={icons.RotateCcw} onPress={() => void bulk.undelete()}>
          {t('list.undelete')}
        </Button>
      )}
      {canDelete && (
        <Button kind="danger" icon={icons.Trash} onPress={() => void bulk.remove()}>
          {t('list.delete')}
        </Button>
      )}
      <IconButton icon={icons.X} name={t('list.key.clear')} shortcut="Esc" onPress={clear} />
    </div>
  );
}

interface BulkCountProps {
  selected: number;
  rows: readonly Json[];
  data: Rows;
  setIds: (ids: ReadonlySet<string>) => void;
}

function BulkCount({ selected, rows, data, setIds }: BulkCountProps) {
  const canSelectMore = data.count !== undefined && rows.length > selected;
  return (
    <span className={style.bulkCount}>
      <Icon of={icons.Check} />
      <span role="status">{t('list.selected', { count: selected })}</span>
      {canSelectMore && (
        <button
          type="button"
          className={`${text.link} ${style.wide}`}
          onClick={() => setIds(new Set(rows.map((row) => textAt(row, 'id'))))}
        >
          {t('list.allLoaded', { count: rows.length })}
        </button>
      )}
    </span>
  );
}

/** Owner, tags and the stage: what is changed most. */
function quickFields(fields: readonly Field[]): Field[] {
  const stage = fields.find(({ type, list }) => type === 'enum' && !list);
  return fields.filter(({ name }) => name in fieldKeys || name === stage?.name);
}

function mergeOf({ verbs }: Resource): string | undefined {
  return verbs.find((verb) => verb.startsWith('merge'));
}

function FieldButton({ field, name, onPress }: { field: Field; name: string; onPress: () => void }) {
  const { key, icon } = fieldKeys[field.name] ?? { key: 's', icon: icons.Layers };
  useShortcut(key, name, onPress);
  return (
    <Button kind="bare" icon={icon} shortcut={key.toUpperCase()} onPress={onPress}>
      <span className={text.cut}>{name}</span>
    </Button>
  );
}
