import { useNavigate } from '@tanstack/react-router';
import { copyText, saveFile } from '../../kit/notices.ts';
import { ViewSwitch } from '../../kit/view-switch.tsx';
import { pathOf, recordTypeOf, useMay } from '../../app/resource.ts';
import { format, t } from '../../app/language.ts';
import { useShortcut } from '../../app/shortcuts.ts';
import { Bar } from '../../app/shell/shell.tsx';
import { download } from '../../contract/api.ts';
import type { Json } from '../../contract/json.ts';
import { theContract, type Resource } from '../../contract/contract.ts';
import { hintsOf } from '../../hints/hints.ts';
import { Button, icons, Keys, text } from '../../kit/ui.tsx';
import { curlOf } from '../operation/snippets.ts';
import style from './list.module.css';
import type { ListState } from './search.ts';

/** The name of a list, how many there are, and what can be done with all of them. */
export function ListBar({ list }: { list: ListState }) {
  const { resource, parents, title, singular, data } = list;
  const navigate = useNavigate();
  const may = useMay(parents);
  const create = () => void navigate({ to: `${pathOf(list)}/new` });
  useShortcut('c', 'list.new', create, may(resource.create));
  const operation = theContract().operation(resource.list);
  const { filter } = data.asked;
  return (
    <Bar title={title} beside={<Count count={data.count} whole={data.whole} />}>
      <span className={style.wide}>
        {may(resource.import) && (
          <Button
            kind="bare"
            icon={icons.Download}
            onPress={() => void navigate({ to: '/imports/new', search: { type: recordTypeOf(list) } })}
          >
            {t('list.import')}
          </Button>
        )}
        {may(resource.export) && (
          <Button kind="bare" icon={icons.Upload} onPress={() => void exportRows(resource, { ...parents, filter })}>
            {t('list.export')}
          </Button>
        )}
        <Button
          kind="bare"
          icon={icons.CodeXml}
          onPress={() => void copyText(curlOf({ operation, parameters: data.asked }), t('list.copied'))}
        >
          {t('list.copyCurl')}
        </Button>
      </span>
      {hintsOf(resource).board && <ViewSwitch resource={resource.name} view="list" />}
      {may(resource.create) && (
        <Button kind="primary" icon={icons.Plus} onPress={create}>
          <span className={text.fold}>{t('list.newOf', { name: singular })}</span>
        </Button>
      )}
    </Bar>
  );
}

/** How many match, of how many. */
function Count({ count, whole }: { count: number | undefined; whole: number | undefined }) {
  if (count === undefined) return null;
  if (whole === undefined || whole === count) return format.number(count);
  const [before = '', after = ''] = t('list.countOf', { count: '\0', whole }).split('\0');
  return (
    <>
      {before}
      <span className={text.strong}>{format.number(count)}</span>
      {after}
    </>
  );
}

/** Downloads the records that match, as CSV. */
export async function exportRows(resource: Resource, parameters: Json): Promise<void> {
  saveFile(await download(resource.export ?? '', parameters), `${resource.name.split('/')[0] ?? 'records'}.csv`);
}

/** The keys of the list, and how much of it is loaded. */
export function KeyHints({ shown, list: { resource, data }, canSelect }: KeyHintsProps) {
  return (
    <footer className={style.hints}>
      <Keys of={['J', 'K']}>{t('list.hint.move')}</Keys>
      {canSelect && <Keys of={['X']}>{t('list.hint.select')}</Keys>}
      <Keys of={['↵']}>{t('list.hint.open')}</Keys>
      <Keys of={['Space']}>{t('list.hint.peek')}</Keys>
      {canSelect && <Keys of={['E']}>{t('list.hint.edit')}</Keys>}
      {theContract().hasParameter(resource.list, 'filter') && <Keys of={['/']}>{t('list.hint.filter')}</Keys>}
      <Keys of={['?']}>{t('list.hint.all')}</Keys>
      <span className={text.grow} />
      {shown > 0 && data.fault === undefined && (
        <span className={text.faint} role="status">
          {t(data.hasMore ? 'list.loaded' : 'list.loadedAll', { count: shown })}
        </span>
      )}
    </footer>
  );
}

interface KeyHintsProps {
  shown: number;
  list: ListState;
  canSelect: boolean;
}
