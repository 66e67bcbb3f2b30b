import { Link, useParams, useSearch } from '@tanstack/react-router';
import { Missing } from '../../app/boundaries.tsx';
import { labels, t } from '../../app/language.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { useSentences } from '../../contract/api.ts';
import { theContract } from '../../contract/contract.ts';
import type { Json } from '../../contract/json.ts';
import { LiveOperation } from '../../kit/record/live-operation.tsx';
import { Chip, Icon, icons, text } from '../../kit/ui.tsx';
import { OperationForm } from './operation-form.tsx';
import style from './operation.module.css';

/** One operation of the API: what it does, a form for it, and its answer. */
export function OperationScreen() {
  useSentences();
  const { operation: id = '' } = useParams({ strict: false });
  const search: Json = useSearch({ strict: false });
  if (/^[\da-f-]{36}$/.test(id)) return <Running id={id} />;
  if (!theContract().hasOperation(id)) return <Missing />;
  const { verb, path, summary, permission, cost, group } = theContract().operation(id);
  return (
    <>
      <Bar
        title={
          <span className={text.row}>
            <Link to="/operations" className={text.two}>
              {t('nav.api')}
            </Link>
            <Icon of={icons.ChevronRight} />
            <span className={text.cut}>{labels.operation(id)}</span>
          </span>
        }
        beside={group}
      />
      <Scroll padded>
        <p className={style.path}>
          <Verb verb={verb} /> <code>{path}</code>
          {permission !== '' && <Chip tone="line">{permission}</Chip>}
          <span className={text.meta}>{t('operation.cost', { count: cost })}</span>
        </p>
        {summary !== undefined && <p className={style.summary}>{summary}.</p>}
        <OperationForm key={id} id={id} parameters={search} />
      </Scroll>
    </>
  );
}

/** A running operation, which has the id of a record in the path. */
function Running({ id }: { id: string }) {
  return (
    <>
      <Bar title={labels.singular('operation')} />
      <Scroll padded>
        <div className={style.running}>
          <LiveOperation key={id} id={id} />
        </div>
      </Scroll>
    </>
  );
}

export function Verb({ verb }: { verb: string }) {
  return <code className={style.verb}>{verb}</code>;
}
