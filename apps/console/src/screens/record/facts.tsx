import { useEffect, useState, type KeyboardEvent } from 'react';
import { format, t } from '../../app/language.ts';
import { focusMain, useShortcut } from '../../app/shortcuts.ts';
import { useSentences } from '../../contract/api.ts';
import { isSame, textAt, valueAt, type Json } from '../../contract/json.ts';
import { faultsOf, FormFault } from '../../kit/form/form-faults.tsx';
import { FormRow } from '../../kit/form/form.tsx';
import { helpOf } from '../../kit/form/form-widgets.tsx';
import { nameOf, type FormField } from '../../kit/form/form-field.ts';
import { Button, Icon, IconButton, icons, join, Key, text } from '../../kit/ui.tsx';
import { Value } from '../../kit/record/value.tsx';
import { ConflictPanel, DeletedNote } from './conflict.tsx';
import { Fact } from './fact.tsx';
import { hasValue, type Item } from './item.ts';
import style from './record.module.css';
import { useGoTo } from './history/ruler.tsx';
import { patchOf, useSave } from './save.ts';

/** The fields of the record in groups: its own, those of the workspace, and the facts of the record itself. */
export function Facts({ item }: { item: Item }) {
  // Undefined before the first edit, after which the button has the focus again.
  const [isEditing, setIsEditing] = useState<boolean>();
  const { resource, fields, custom, asOf, isDeleted, may } = item;
  const mayEdit = may(resource.update) && asOf === undefined;
  const canEdit = mayEdit && !isDeleted;
  const own = fields.filter(
    ({ output, name, of }) => output !== true && name !== 'customFields' && !hasOwnPart.has(of ?? ''),
  );
  const facts = fields.filter(
    ({ output, name, secret, of }) => output === true && !unshown.has(name) && secret !== true && of !== 'LineTotals',
  );
  useShortcut('e', 'record.edit', () => setIsEditing(true), canEdit && !isEditing);
  if (isEditing && mayEdit)
    return <Editor item={item} fields={[...own, ...custom]} onEnd={() => setIsEditing(false)} />;
  return (
    <section className={style.facts} aria-label={t('record.fields')}>
      {asOf !== undefined && <PastNotice item={item} asOf={asOf} />}
      <header>
        <h2>{t('record.fields')}</h2>
        <span className={text.grow} />
        {canEdit && (
          <Button small kind="bare" shortcut="E" autoFocus={isEditing === false} onPress={() => setIsEditing(true)}>
            {t('record.edit')}
          </Button>
        )}
      </header>
      <Group item={item} fields={own} canEdit={canEdit} />
      {custom.length > 0 && <h2>{t('record.custom')}</h2>}
      <Group item={item} fields={custom} canEdit={canEdit} />
      <h2>{t('record.facts')}</h2>
      <Group item={item} fields={facts} canEdit={false} />
    </section>
  );
}

/** Messages that another part of the page shows and edits. */
const hasOwnPart: ReadonlySet<string> = new Set(['LineItem', 'DealSplit']);

/** What tells people nothing: versions, and places within an order that only the board shows. */
const unshown: ReadonlySet<string> = new Set(['etag', 'rank']);

/** Rows of fields. Those without a value are shown on demand, so that they can be filled. */
function Group({ item, fields, canEdit }: { item: Item; fields: readonly FormField[]; canEdit: boolean }) {
  const [isAll, setIsAll] = useState(false);
  const [edited, setEdited] = useState<{ name: string; isOpen: boolean }>();
  const filled = fields.filter(
    (field) => hasValue(item.shown, field) || (item.asOf !== undefined && hasValue(item.now, field)),
  );
  useSentences();
  const emptyCount = fields.length - filled.length;
  return (
    <>
      <dl>
        {(isAll ? fields : filled).map((field) =>
          edited?.name === field.name && edited.isOpen && (canEdit || item.isDeleted) ? (
            <RowEditor
              key={field.name}
              item={item}
              field={field}
              onEnd={() => setEdited({ name: field.name, isOpen: false })}
            />
          ) : (
            <Row
              key={field.name}
              item={item}
              field={field}
              isEnded={edited?.name === field.name}
              onEdit={
                canEdit && isEditable(item, field) ? () => setEdited({ name: field.name, isOpen: true }) : undefined
              }
            />
          ),
        )}
      </dl>
      {canEdit && emptyCount > 0 && (
        <span className={style.more}>
          <Button small kind="bare" onPress={() => setIsAll(!isAll)}>
            {t(isAll ? 'record.hideEmpty' : 'record.showEmpty', { count: emptyCount })}
          </Button>
        </span>
      )}
    </>
  );
}

/** What is set once, or shown masked, cannot be set again. */
function isEditable({ now }: Item, field: FormField): boolean {
  return field.output !== true && field.once !== true && valueAt(now, field.name) !== '***';
}

interface RowProps {
  item: Item;
  field: FormField;
  /** Whether it was edited last. */
  isEnded: boolean;
  onEdit: (() => void) | undefined;
}

function Row({ item, field, isEnded, onEdit }: RowProps) {
  const { shown, now, asOf, resource } = item;
  const name = nameOf(field, resource.message);
  const differs =
    asOf !== undefined && field.output !== true && !isSame(valueAt(shown, field.name), valueAt(now, field.name));
  return (
    <div className={style.fact}>
      <dt title={helpOf(field)}>{name}</dt>
      <dd>
        <Fact field={field} record={shown} />
        {differs && (
          <span className={text.meta}>
            {' '}
            {t('record.today')} {hasValue(now, field) ? <Value field={field} value={valueAt(now, field.name)} /> : '–'}
          </span>
        )}
      </dd>
      {onEdit && (
        <dd className={style.pencil}>
          <IconButton
            small
            autoFocus={isEnded}
            name={t('record.editField', { field: name })}
            icon={icons.Pencil}
            onPress={onEdit}
          />
        </dd>
      )}
      {differs && item.may(resource.update) && <Restore item={item} field={field} />}
    </div>
  );
}

/** Sets a field to the value that it had. */
function Restore({ item, field }: { item: Item; field: FormField }) {
  const { save, isSaving, error } = useSave(item, item.now);
  return (
    <dd className={style.restore}>
      <Button
        small
        kind="bare"
        icon={icons.Undo2}
        isPending={isSaving}
        onPress={() => void save({ [field.name]: valueAt(item.shown, field.name) ?? null })}
      >
        {t('record.restore')}
      </Button>
      <FormFault error={error} names={[]} />
    </dd>
  );
}

function PastNotice({ item, asOf }: { item: Item; asOf: string }) {
  const goTo = useGoTo();
  const version = textAt(
    item.changes.find(({ time }) => time === asOf),
    'version',
  );
  return (
    <div className={style.notice} role="status">
      <Icon of={icons.Clock} />
      <p>
        {t('record.past', { time: format.exactTime(asOf), version })}
        <Button small onPress={() => goTo(undefined)} shortcut="N">
          {t('record.backToNow')}
        </Button>
      </p>
    </div>
  );
}

/** A record while it is edited. What edits takes the focus away with it. */
function useEdit(item: Item, onEnd: () => void) {
  const [base] = useState(item.now);
  const [value, setValue] = useState<Json>(base);
  const saving = useSave(item, base);
  useEffect(() => focusMain, []);
  const save = () => void saving.save(patchOf(base, value)).then((isSaved) => isSaved && onEnd());
  return { item, value, setValue, saving, save, onEnd };
}

type Edit = ReturnType<typeof useEdit>;

function EditRow({
  edit,
  field,
  ...rest
}: {
  edit: Edit;
  field: FormField;
  isHiddenLabel?: boolean;
  autoFocus: boolean;
}) {
  return (
    <FormRow
      message={edit.item.resource.message}
      field={field}
      value={edit.value}
      onChange={(next) => !edit.saving.isSaving && edit.setValue(next)}
      faults={faultsOf(edit.saving.error)}
      isBrief
      {...rest}
    />
  );
}

/** The errors of the edited record, and the buttons that save or discard it. */
function EditEnd({ edit: { item, saving, save, onEnd }, names }: { edit: Edit; names: readonly string[] }) {
  return (
    <>
      {item.isDeleted && <DeletedNote />}
      {!saving.conflict && <FormFault error={saving.error} names={names} />}
      {saving.conflict ? (
        <ConflictPanel item={item} saving={saving} conflict={saving.conflict} onEnd={onEnd} />
      ) : (
        <span className={style.buttons}>
          <Button small kind="primary" icon={icons.Check} isPending={saving.isSaving} onPress={save}>
            {t('form.save')}
          </Button>
          <Button small onPress={onEnd}>
            {t('form.cancel')}
          </Button>
          <Key>Esc</Key>
        </span>
      )}
    </>
  );
}

/** One field as an input, in the place of its row. */
function RowEditor({ item, field, onEnd }: { item: Item; field: FormField; onEnd: () => void }) {
  const edit = useEdit(item, onEnd);
  // Inputs of several parts need the whole width.
  const isWhole = field.type === 'message' || field.type === 'object';
  return (
    <div className={join(style.editing, isWhole && style.whole)} onKeyDown={keysOf(edit.save, onEnd, field)}>
      <dt>{nameOf(field, item.resource.message)}</dt>
      <dd>
        <EditRow edit={edit} field={field} isHiddenLabel autoFocus />
        <EditEnd edit={edit} names={[field.name]} />
      </dd>
    </div>
  );
}

function Editor({ item, fields, onEnd }: { item: Item; fields: readonly FormField[]; onEnd: () => void }) {
  const edit = useEdit(item, onEnd);
  const shown = fields.filter((field) => isEditable(item, field));
  return (
    <section className={style.facts} aria-label={t('record.fields')} onKeyDown={keysOf(edit.save, onEnd)}>
      <header>
        <h2>{t('record.edit')}</h2>
      </header>
      <div className={style.editor}>
        {shown.map((field, index) => (
          <EditRow key={field.name} edit={edit} field={field} autoFocus={index === 0} />
        ))}
      </div>
      <footer className={style.saving}>
        <EditEnd edit={edit} names={shown.map(({ name }) => name)} />
      </footer>
    </section>
  );
}

/** Enter saves a field of one line, ⌘ Enter any; Esc leaves it as it was. */
function keysOf(save: () => void, cancel: () => void, field?: FormField) {
  const isLine =
    field !== undefined && field.list !== true && ['text', 'int', 'number', 'date', 'time'].includes(field.type);
  return (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.defaultPrevented) return;
    const isPlainInput = event.target instanceof HTMLInputElement && event.target.role !== 'combobox';
    if (event.key === 'Escape') cancel();
    else if (event.key === 'Enter' && (event.metaKey || event.ctrlKey || (isLine && isPlainInput))) {
      // What has the focus once it is saved would be pressed.
      event.preventDefault();
      save();
    }
  };
}
