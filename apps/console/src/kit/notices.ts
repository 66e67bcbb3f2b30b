import { UNSTABLE_ToastQueue as ToastQueue } from 'react-aria-components';

/** A notification about a finished action. */
export interface Notice {
  said: string;
  undo?: () => unknown;
}

/** Those that are shown, which `Toasts` shows once it is loaded. */
export const notices = new ToastQueue<Notice>({ maxVisibleToasts: 2 });

/** Says what was done, for 8 seconds. An error is said where it happened, and here if it has no place. */
export function notify(said: string, undo?: Notice['undo']): void {
  notices.add({ said, undo }, { timeout: 8_000 });
}

/** Copies a text, and says so. */
export async function copyText(copied: string, said: string): Promise<void> {
  await navigator.clipboard.writeText(copied);
  notify(said);
}

/** Has the browser save a file. */
export function saveFile(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
