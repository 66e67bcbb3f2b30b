import { useNavigate, useSearch } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { format, labels, t } from '../../app/language.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { useShortcut } from '../../app/shortcuts.ts';
import { itemsAt, textAt, useItems, valueAt, type Json } from '../../contract/api.ts';
import { LiveOperation } from '../../kit/record/live-operation.tsx';
import { Nothing } from '../../kit/nothing.tsx';
import { Split, SplitLine } from '../../kit/split.tsx';
import { Button, Icon } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { MappedColumns } from './mapped-columns.tsx';
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
        <Button kind="primary" icon={Download} shortcut="N" onPress={start}>
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
              <MappedColumns columns={itemsAt(open, 'columns')} />
            </div>
          )}
        </Split>
      ) : (
        <Nothing
          title={t('imports.none')}
          help={t('imports.noneHelp')}
          curl={`curl ${location.origin}/v1/customers:import -H "Authorization: Bearer $KEY" -H "Content-Type: text/csv" --data-binary @customers.csv`}
        >
          <Button icon={Download} onPress={start}>
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
  return (
    <>
      <Icon of={Download} />
      <SplitLine
        name={isDry ? t('imports.dryRun') : labels.value('Operation.Kind', textAt(operation, 'kind'))}
        below={`${labels.value('Operation.State', textAt(operation, 'state'))}, ${t('imports.rows', { count: rows })}`}
      />
      <span className={text.meta}>{format.time(textAt(operation, 'createTime'))}</span>
    </>
  );
}
