import {
  Text,
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { X } from 'lucide-react';
import { Button, IconButton } from './ui.tsx';
import style from './toast.module.css';

export interface Notice {
  text: string;
  /** What takes it back, with its name. */
  undo?: { name: string; run: () => void };
}

const notices = new ToastQueue<Notice>({ maxVisibleToasts: 2 });

/** Says what was done, for 8 seconds. An error is said where it happened, not here. */
export function notify(notice: Notice): void {
  notices.add(notice, { timeout: 8_000 });
}

export function Toasts({ closeName }: { closeName: string }) {
  return (
    <ToastRegion queue={notices} className={style.region}>
      {({ toast }) => (
        <AriaToast toast={toast} className={style.toast}>
          <ToastContent className={style.content}>
            <Text slot="title">{toast.content.text}</Text>
          </ToastContent>
          {toast.content.undo && (
            <Button
              small
              onPress={() => {
                toast.content.undo?.run();
                notices.close(toast.key);
              }}
            >
              {toast.content.undo.name}
            </Button>
          )}
          <IconButton slot="close" name={closeName} icon={X} small />
        </AriaToast>
      )}
    </ToastRegion>
  );
}
