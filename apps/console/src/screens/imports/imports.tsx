import { useNavigate, useSearch } from '@tanstack/react-router';
import { format, labels, t } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { useItems } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { itemsAt, textAt, valueAt, type Json } from '../../contract/json.ts';
import { LiveOperation } from '../../kit/record/live-operation.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Split, SplitLine } from '../../kit/split.tsx';
import { Button, Chip, Icon, icons, text } from '../../kit/ui.tsx';
import { Select } from '../../kit/form/field.tsx';
import style from './imports.module.css';

/** The imports of the workspace and its other long work, with the progress of the open one. */
export function Imports() {
  const navigate = useNavigate();
  const { items: operations } = useItems('operations');
  const { id: chosen }: { id?: string } = useSearch({ strict: false });
  const start = () => void navigate({ to: '/imports/new' });
  useShortcut('n', 'imports.new', start);
  // The one that was just started is not in the list yet.
  const openId = chosen ?? textAt(operations[0], 'id');
  const open = operations.find(({ id }) => id === openId);
  return (
    <>
      <Bar title={t('nav.imports')} beside={t('imports.count', { count: operations.length })}>
        <Button kind="primary" icon={icons.Download} shortcut="N" onPress={start}>
          {t('imports.new')}
        </Button>
      </Bar>
      {openId !== '' ? (
        <Split
          label={t('nav.imports')}
          items={operations}
          idOf={(each) => textAt(each, 'id')}
          nameOf={(each) => textAt(each, 'id')}
          line={(each) => <OperationLine operation={each} />}
          chosenId={openId}
          onChoose={(id) => void navigate({ to: '.', search: { id }, replace: true })}
        >
          {() => (
            <div className={style.open}>
              <LiveOperation key={openId} id={openId} />
              <MappedColumns columns={itemsAt(open, 'columns')} recordType={recordTypeOf(open)} />
            </div>
          )}
        </Split>
      ) : (
        <Nothing
          title={t('imports.none')}
          help={t('imports.noneHelp')}
          curl={`curl ${location.origin}/v1/customers:import -H "Authorization: Bearer $KEY" -H "Content-Type: text/csv" --data-binary @customers.csv`}
        >
          <Button icon={icons.Download} onPress={start}>
            {t('imports.new')}
          </Button>
        </Nothing>
      )}
    </>
  );
}

function OperationLine({ operation }: { operation: Json }) {
  const rows = Number(valueAt(operation, 'counts.rows') ?? 0);
  const isDry = valueAt(operation, 'import.dryRun') === true;
  const state = labels.value('Operation.State', textAt(operation, 'state'));
  return (
    <>
      <Icon of={icons.Download} />
      <SplitLine
        name={nameOf(operation)}
        below={[...(isDry ? [t('imports.dryRun')] : []), state, t('imports.rows', { count: rows })].join(', ')}
      />
      <span className={text.meta}>{format.time(textAt(operation, 'createTime'))}</span>
    </>
  );
}

/** Such as `Import customers`: what an import is of, or else its kind. */
function nameOf(operation: Json): string {
  const kind = textAt(operation, 'kind');
  const verb = theContract().recordType(recordTypeOf(operation))?.import;
  return kind === 'IMPORT' && verb !== undefined ? labels.operation(verb) : labels.value('Operation.Kind', kind);
}

function recordTypeOf(operation: Json | undefined): string {
  return textAt(operation, 'import.recordType') || 'customer';
}

/** The columns of a file with the fields that they go to. With `onChoose` another field can be chosen for each. */
export function MappedColumns({ columns, recordType, fields = [], chosen = {}, onChoose }: MappedColumnsProps) {
  if (columns.length === 0) return null;
  const called = (field: string) => calledIn(recordType, field);
  return (
    <section className={style.columns}>
      <h3>{t('imports.columns')}</h3>
      <ul>
        {columns.map((column) => {
          const name = textAt(column, 'column');
          const field = textAt(column, 'field');
          const suggested = textAt(column, 'suggestedField');
          const reason = labels.value('ImportColumn.Reason', textAt(column, 'reason'));
          return (
            <li key={name}>
              <code className={text.cut} title={name}>
                {name}
              </code>
              {onChoose ? (
                <Select
                  label={t('imports.fieldOf', { column: name })}
                  isHiddenLabel
                  options={[
                    { id: skipped, name: t('imports.skip') },
                    ...choicesOf(fields, field, suggested).map((id) => ({ id, name: called(id) })),
                  ]}
                  value={chosen[name] ?? (field || suggested || skipped)}
                  onChange={(id) => onChoose(name, id)}
                />
              ) : (
                <span>{field === '' ? <span className={text.faint}>{t('imports.skip')}</span> : called(field)}</span>
              )}
              <span className={text.row}>
                <span className={text.meta}>{reason}</span>
                {field === '' && suggested !== '' && (
                  <Chip tone="info">{t('imports.suggested', { field: called(suggested) })}</Chip>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

interface MappedColumnsProps {
  columns: readonly Json[];
  recordType: string;
  /** Fields that a column can go to, in the spelling of `map`. */
  fields?: readonly string[];
  /** The chosen field by the column's name; `skipped` for none. */
  chosen?: Readonly<Record<string, string>>;
  onChoose?: (column: string, field: string) => void;
}

/** The choice of no field: an id can not be empty in a list. */
export const skipped = '-';

function choicesOf(fields: readonly string[], field: string, suggested: string): string[] {
  return [...new Set([field, suggested, ...fields])].filter((each) => each !== '');
}

/** The name of a field in the spelling of `map`, such as `phone` for `phones`. */
function calledIn(recordType: string, field: string): string {
  const contract = theContract();
  const { message = '' } = contract.recordType(recordType) ?? {};
  const own = contract.fields(message).find(({ name, list }) => list && singularOf(name) === field);
  return labels.field(message, own?.name ?? field);
}

/** A list as `map` spells it. */
export function singularOf(name: string): string {
  return name.replace(/(?<=ss)es$|s$/, '');
}
