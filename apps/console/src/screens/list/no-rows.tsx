import { useNavigate } from '@tanstack/react-router';
import { pathOf, recordTypeOf, useMay } from '../../app/resource.ts';
import { ProblemText } from '../../app/boundaries.tsx';
import { inSentence } from '../../app/labels.ts';
import { t } from '../../app/language.ts';
import { invalidate } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import { scan } from '../../kit/filter/filter-language.ts';
import { Button, icons, text, Ticks } from '../../kit/ui.tsx';
import { curlOf } from '../operation/snippets.ts';
import type { ListState } from './search.ts';
import style from './list.module.css';

/** In place of rows: why there are none, and what to do about it. */
export function NoRows({ list }: { list: ListState }) {
  const { data, search } = list;
  if (data.fault) return <div className={style.empty} />;
  if (data.error !== null && data.error !== undefined)
    return (
      <div className={style.empty}>
        <ProblemText error={data.error} />
        <Button icon={icons.RefreshCw} onPress={() => void invalidate(list.resource.name)}>
          {t('error.tryAgain')}
        </Button>
      </div>
    );
  return search.filter === undefined ? <Empty list={list} /> : <NothingMatches list={list} />;
}

/** Teaches how the collection gets its first item. */
function Empty({ list }: { list: ListState }) {
  const { resource, parents, title, singular } = list;
  const navigate = useNavigate();
  const may = useMay(parents);
  const { create } = resource;
  return (
    <div className={style.empty}>
      <Ticks label="" count={48} value={1 / 48} height={10} />
      <h2>{t('list.empty', { name: inSentence(title) })}</h2>
      <p>{t(may(resource.import) ? 'list.emptyImport' : 'list.emptyHelp')}</p>
      <div className={style.actions}>
        {may(resource.import) && (
          <Button
            icon={icons.Download}
            onPress={() => void navigate({ to: '/imports/new', search: { type: recordTypeOf(list) } })}
          >
            {t('list.importFile')}
          </Button>
        )}
        {may(create) && (
          <Button icon={icons.Plus} shortcut="C" onPress={() => void navigate({ to: `${pathOf(list)}/new` })}>
            {t('list.newOf', { name: singular })}
          </Button>
        )}
      </div>
      <pre className={style.shell}>
        {curlOf({ operation: theContract().operation(create ?? resource.list), parameters: parents })}
      </pre>
    </div>
  );
}

/** Says which condition to drop. */
function NothingMatches({ list: { search, change, data, title } }: { list: ListState }) {
  const conditions = conditionsOf(search.filter ?? '');
  return (
    <div className={style.empty}>
      <h2>{t('list.nothing')}</h2>
      <p>
        {data.whole === undefined
          ? t('list.nothingHelp')
          : t('list.nothingOf', { count: data.whole, name: inSentence(title) })}
      </p>
      <div className={style.actions}>
        {conditions.length > 1 &&
          conditions.map(({ text, without }) => (
            <Button key={text} icon={icons.X} onPress={() => change({ filter: without })}>
              {t('list.drop')} <code>{text}</code>
            </Button>
          ))}
        <Button kind="bare" onPress={() => change({ filter: undefined })}>
          {t('list.clearFilter')}
        </Button>
      </div>
      {search.deleted !== true && (
        <p>
          {t('list.noDeleted')}{' '}
          <button type="button" className={text.link} onClick={() => change({ deleted: true })}>
            {t('list.withDeleted')}
          </button>
        </p>
      )}
    </div>
  );
}

interface Condition {
  text: string;
  /** The filter without it. */
  without: string;
}

/** The comparisons and words of a filter that has no OR and no parentheses, which can be dropped alone. */
function conditionsOf(filter: string): Condition[] {
  const { tokens } = scan(filter);
  if (tokens.some(({ kind, text }) => text === 'OR' || (kind === 'mark' && !isOfList(text, filter)))) return [];
  const starts = tokens.filter(({ kind }) => kind === 'field' || kind === 'search').map(({ start }) => start);
  const parts = starts.map((start, index) => {
    const text = filter.slice(start, starts[index + 1]).trimEnd();
    return text.replace(/\s(?:AND|NOT|-)$/, '').trimEnd();
  });
  return parts.map((text, index) => ({ text, without: parts.filter((_, other) => other !== index).join(' AND ') }));
}

/** Parentheses of IN belong to one comparison. */
function isOfList(mark: string, filter: string): boolean {
  return /\bIN\s*\(/.test(filter) || mark === ',';
}
