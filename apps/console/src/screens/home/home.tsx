import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Download, Link as LinkIcon, Plus, Webhook } from 'lucide-react';
import { Segments } from '../../kit/form/segments.tsx';
import { language, t } from '../../app/language.ts';
import { isPermitted, useSession } from '../../app/session.ts';
import { Bar, Scroll } from '../../app/shell/shell.tsx';
import { itemsAt, readQuery } from '../../contract/api.ts';
import { Icon, Key, type IconType } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { ChangesPanel } from './changes-panel.tsx';
import { ClosingPanel } from './closing-panel.tsx';
import { CustomersPanel } from './customers-panel.tsx';
import { daysBetween, today, weekOf } from './home-data.ts';
import { Panel } from './panel.tsx';
import { PipelinePanel } from './pipeline-panel.tsx';
import { WaitingPanel } from './waiting-panel.tsx';
import style from './home.module.css';

/** The dashboard: what is open, what is new, what asks for a person. */
export function Home() {
  const session = useSession();
  const { view = 'all' }: { view?: string } = useSearch({ strict: false });
  const { data } = useQuery(readQuery('listCustomers', { pageSize: 1, readMask: 'id' }));
  const condition = view === 'mine' ? `ownerId = ${session.user.id}` : '';
  const can = (permission: string) => isPermitted(session, permission);
  const isEmpty = data !== undefined && itemsAt(data, 'customers').length === 0;
  return (
    <>
      <HomeBar view={view} />
      <Scroll padded>
        {isEmpty && <WhatNext />}
        <div className={style.home}>
          {can('deals.read') && <PipelinePanel condition={condition} />}
          {can('deals.read') && <ClosingPanel condition={condition} />}
          {can('customers.read') && <CustomersPanel condition={condition} />}
          {can('customers.read') && <WaitingPanel condition={condition} />}
          {can('audit.read') && <ChangesPanel />}
        </div>
      </Scroll>
    </>
  );
}

function HomeBar({ view }: { view: string }) {
  const navigate = useNavigate();
  const day = today();
  const form = new Intl.DateTimeFormat(language, { timeZone: 'UTC', weekday: 'long', day: 'numeric', month: 'long' });
  const newYear = new Date(Date.UTC(day.getUTCFullYear(), 0, 1));
  return (
    <Bar
      title={form.format(day)}
      beside={
        <span className={style.hide}>
          {t('home.weekAndDay', { week: weekOf(day).number, day: daysBetween(newYear, day) + 1 })}
        </span>
      }
    >
      <Segments
        label={t('home.whose')}
        value={view}
        onChange={(id) => void navigate({ to: '/', search: (id === 'mine' ? { view: id } : {}) as never })}
        options={[
          { id: 'mine', name: t('home.mine') },
          { id: 'all', name: t('home.everyone') },
        ]}
      />
    </Bar>
  );
}

/** For a workspace without customers: where to begin. */
function WhatNext() {
  return (
    <Panel area="next" title={t('home.next')} beside={t('home.nextHelp')}>
      <ul className={style['waiting-list']}>
        <Step to="/imports" icon={Download} name={t('home.next.import')} keys="G I" />
        <Step to="/customers" icon={Plus} name={t('home.next.create')} keys="G C" />
        <Step to="/connections" icon={LinkIcon} name={t('home.next.connect')} keys="G N" />
        <Step to="/webhooks" icon={Webhook} name={t('home.next.webhook')} keys="G W" />
      </ul>
      <code className={style.curl}>
        {`curl ${location.origin}/v1/customers -H "Authorization: Bearer $KEY" -d '{"displayName":"Ada Lovelace"}'`}
      </code>
    </Panel>
  );
}

function Step({ to, icon, name, keys }: { to: string; icon: IconType; name: string; keys: string }) {
  return (
    <li>
      <Link to={to} className={style.wait}>
        <Icon of={icon} />
        <span className={text.grow}>{name}</span>
        <Key>{keys}</Key>
      </Link>
    </li>
  );
}
