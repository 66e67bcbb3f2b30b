import {
  Text,
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { sentenceOf } from '../app/boundaries.tsx';
import { t } from '../app/language.ts';
import { Problem } from '../contract/api.ts';
import { Button, IconButton, icons, text } from './ui.tsx';
import { notices, notify } from './notices.ts';
import style from './toast.module.css';

// What fails without a place of its own, such as an undo, is said here.
addEventListener('unhandledrejection', (event) => {
  if (!(event.reason instanceof Problem)) return;
  event.preventDefault();
  notify(sentenceOf(event.reason));
});

/** What was done, said for 8 seconds. */
export function Toasts() {
  return (
    <ToastRegion queue={notices} className={style.region}>
      {({ toast }) => (
        <AriaToast toast={toast} className={style.toast}>
          <ToastContent className={text.grow}>
            <Text slot="title">{toast.content.said}</Text>
          </ToastContent>
          {toast.content.undo && (
            <Button
              small
              onPress={() => {
                toast.content.undo?.();
                notices.close(toast.key);
              }}
            >
              {t('list.undo')}
            </Button>
          )}
          <IconButton slot="close" name={t('kit.close')} icon={icons.X} small />
        </AriaToast>
      )}
    </ToastRegion>
  );
}
