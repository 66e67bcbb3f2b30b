import {
  Text,
  UNSTABLE_Toast as AriaToast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { X } from 'lucide-react';
import { t } from '../app/language.ts';
import { Button, IconButton } from './ui.tsx';
import style from './toast.module.css';

interface Notice {
  said: string;
  /** What takes it back. */
  undo?: () => unknown;
}

const notices = new ToastQueue<Notice>({ maxVisibleToasts: 2 });

/** Says what was done, for 8 seconds. An error is said where it happened, not here. */
export function notify(said: string, undo?: Notice['undo']): void {
  notices.add({ said, undo }, { timeout: 8_000 });
}

/** Copies a text, and says so. */
export async function copyText(copied: string, said: string): Promise<void> {
  await navigator.clipboard.writeText(copied);
  notify(said);
}

export function Toasts() {
  return (
    <ToastRegion queue={notices} className={style.region}>
      {({ toast }) => (
        <AriaToast toast={toast} className={style.toast}>
          <ToastContent className={style.content}>
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
          <IconButton slot="close" name={t('kit.close')} icon={X} small />
        </AriaToast>
      )}
    </ToastRegion>
  );
}

/** Has the browser save a file. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
