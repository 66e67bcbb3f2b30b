import { useQuery } from '@tanstack/react-query';
import { Link, useRouter } from '@tanstack/react-router';
import type { KeyboardEvent } from 'react';
import { GridList, GridListItem } from 'react-aria-components';
import { call, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { theContract } from '../../contract/contract.ts';
import { Principal } from '../../kit/record/names.tsx';
import { Button, Icon, icons, join, Keys, text } from '../../kit/ui.tsx';
import { format, labels, t } from '../language.ts';
import { useNotificationCount } from '../notifications.ts';
import style from './bell.module.css';

/** The newest notifications. Enter opens the record of one, and E marks it. */
export function NotificationPanel({ onClose }: { onClose: () => void }) {
  const router = useRouter();
  const { unread } = useNotificationCount();
  const { data } = useQuery(readQuery('listNotifications', { pageSize: 50 }));
  const notifications = itemsAt(data, 'notifications');
  const newest = Number(textAt(notifications[0], 'position'));
  const find = (id: unknown) => notifications.find((each) => each.id === id);
  const open = (notification: Json | undefined) => {
    const path = notification && pathOf(notification);
    if (!notification || path === undefined) return;
    onClose();
    if (!isRead(notification)) void mark(notification);
    router.history.push(path);
  };
  const onKeyDown = ({ key, target }: KeyboardEvent) => {
    const focused = find((target as HTMLElement).closest('[data-key]')?.getAttribute('data-key'));
    if (key === 'e' && focused) void mark(focused);
  };
  return (
    <>
      <header className={style.head}>
        <h2 className={text.grow}>{t('notifications.title')}</h2>
        <Button
          small
          kind="bare"
          icon={icons.CheckCheck}
          isDisabled={unread === 0}
          onPress={() => void markAll(newest)}
        >
          {t('notifications.markAll')}
        </Button>
        <Link
          to="/notifications/preferences"
          onClick={onClose}
          className={style.settings}
          aria-label={t('notifications.preferences')}
          title={t('notifications.preferences')}
        >
          <Icon of={icons.Settings2} />
        </Link>
      </header>
      <div onKeyDownCapture={onKeyDown} className={style.scroll}>
        <GridList
          autoFocus="first"
          aria-label={t('notifications.title')}
          items={notifications.map((notification) => ({ id: textAt(notification, 'id'), notification }))}
          onAction={(key) => open(find(key))}
          renderEmptyState={() => <p className={style.empty}>{data ? t('notifications.none') : ''}</p>}
        >
          {({ id, notification }) => (
            <GridListItem id={id} textValue={spoken(notification)} className={style.item}>
              <Line notification={notification} />
            </GridListItem>
          )}
        </GridList>
      </div>
      <footer className={style.foot}>
        <Keys of={['↑', '↓']}>{t('palette.choose')}</Keys>
        <Keys of={['↵']}>{t('notifications.open')}</Keys>
        <Keys of={['E']}>{t('notifications.toggle')}</Keys>
      </footer>
    </>
  );
}

function Line({ notification }: { notification: Json }) {
  const time = textAt(notification, 'time');
  const actor = textAt(notification, 'actor');
  return (
    <>
      <span className={join(style.dot, !isRead(notification) && style.new)} aria-hidden />
      <span className={style.text}>
        <span className={join(text.cut, !isRead(notification) && text.strong)}>
          {!isRead(notification) && <span className={text.hidden}>{t('notifications.new')}</span>}
          {titleOf(notification)}
        </span>
        <span className={style.meta}>
          <span>{labels.value('NotificationKind', textAt(notification, 'kind'))}</span>
          {/^(?:user|apiKey):/.test(actor) && <Principal name={actor} />}
          <time dateTime={time} title={format.exactTime(time)}>
            {format.ago(time)}
          </time>
        </span>
      </span>
    </>
  );
}

/** A row as screen readers announce it. */
function spoken(notification: Json): string {
  const kind = labels.value('NotificationKind', textAt(notification, 'kind'));
  return `${isRead(notification) ? '' : t('notifications.new')}${titleOf(notification)}, ${kind}`;
}

const isRead = (notification: Json) => notification.readTime !== undefined;

/** The title of the record, or only its type where the record is not visible or has none. */
function titleOf(notification: Json): string {
  const type = textAt(notification, 'recordType');
  return textAt(notification, 'title') || labels.singular(resourceOf(type)?.name ?? type);
}

function resourceOf(type: string) {
  return theContract().resources.find(({ singular }) => singular === type);
}

/** Undefined for a record that is not visible. */
function pathOf(notification: Json): string | undefined {
  const id = textAt(notification, 'recordId');
  const type = textAt(notification, 'recordType');
  if (id === '') return undefined;
  if (type === 'approval') return '/my-approvals';
  return type === 'operation' ? `/imports?id=${id}` : `/${resourceOf(type)?.name ?? type}/${id}`;
}

async function mark(notification: Json): Promise<void> {
  await call(isRead(notification) ? 'markNotificationUnread' : 'markNotificationRead', { id: notification.id });
  await invalidate('notifications');
}

async function markAll(upToPosition: number): Promise<void> {
  await call('markAllNotificationsRead', {}, { body: { upToPosition } });
  await invalidate('notifications');
}
