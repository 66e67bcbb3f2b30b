import { lazy, Suspense, useState } from 'react';
import { Button as AriaButton, Dialog, DialogTrigger, Popover } from 'react-aria-components';
import { Icon, icons } from '../../kit/ui.tsx';
import { t } from '../language.ts';
import { useNotificationCount } from '../notifications.ts';
import { isPermitted, useSession } from '../session.ts';
import { useShortcut } from '../shortcuts.ts';
import style from './bell.module.css';

const Panel = lazy(async () => ({ default: (await import('./notification-panel.tsx')).NotificationPanel }));

/** How many notifications are unread, and the newest ones in a panel. */
export function Bell() {
  const [isOpen, setIsOpen] = useState(false);
  const { unread } = useNotificationCount();
  const isShown = isPermitted(useSession(), 'notifications.read');
  useShortcut('b', 'notifications.title', () => setIsOpen(true), isShown);
  if (!isShown) return null;
  const shown = unread >= 100 ? '99+' : String(unread);
  return (
    <DialogTrigger isOpen={isOpen} onOpenChange={setIsOpen}>
      <AriaButton className={style.bell} aria-label={t('notifications.unread', { count: shown })}>
        <Icon of={icons.Bell} />
        {unread > 0 && <span className={style.count}>{shown}</span>}
      </AriaButton>
      <Popover className={style.popover} placement="bottom start" offset={6}>
        <Dialog className={style.dialog} aria-label={t('notifications.title')}>
          <Suspense>
            <Panel onClose={() => setIsOpen(false)} />
          </Suspense>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
