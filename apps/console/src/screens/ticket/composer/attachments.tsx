import { t } from '../../../app/language.ts';
import { storeOf } from '../../../app/store.ts';
import { call } from '../../../contract/api.ts';
import { textAt, type Json } from '../../../contract/json.ts';
import { faultOf, sendFile, sentPart, sizeText, type Upload } from '../../../kit/file-upload.ts';
import { Fault } from '../../../kit/form/form-faults.tsx';
import { Button, Icon, IconButton, icons, text, Ticks } from '../../../kit/ui.tsx';
import style from './composer.module.css';

/** Most files of a reply, and most bytes of them in all, as the server takes them. */
const maxFiles = 20;
const maxMebibytes = 18;

interface Attached {
  uploads: readonly Upload[];
  /** Why a file was not attached, in words. */
  refusal?: string | undefined;
}

const none: Attached = { uploads: [] };

/** Attachments of unsent replies, by ticket. Uploads continue while another ticket is shown. */
const kept = storeOf<ReadonlyMap<string, Attached>>(new Map());

function keptOf(id: string): Attached {
  return kept.get().get(id) ?? none;
}

/** The files of the next reply to a ticket. */
export function useAttachments(ticket: Json) {
  const id = textAt(ticket, 'id');
  const { uploads, refusal } = kept.useValue().get(id) ?? none;
  return {
    uploads,
    refusal,
    isComplete: uploads.every(({ isDone }) => isDone === true),
    fileIds: uploads.flatMap((each) => each.id ?? []),
    add: (files: readonly File[]) => add(id, files),
    refuse: () => change(id, { refusal: t('ticket.noFiles') }),
    retry: (upload: Upload) => void start(id, upload),
    remove: (upload: Upload) => void remove(id, upload),
    clear: () => change(id, none),
  };
}

export type Attachments = ReturnType<typeof useAttachments>;

function change(id: string, part: Partial<Attached>): void {
  kept.set(new Map(kept.get()).set(id, { ...keptOf(id), refusal: undefined, ...part }));
}

/** What was removed meanwhile stays away. */
function replace(id: string, { file }: Upload, ...by: readonly Upload[]): void {
  const { uploads, refusal } = keptOf(id);
  change(id, { refusal, uploads: uploads.flatMap((each) => (each.file === file ? by : [each])) });
}

function add(id: string, files: readonly File[]): void {
  change(id, {});
  for (const file of files) {
    const { uploads } = keptOf(id);
    const bytes = uploads.reduce((sum, each) => sum + each.file.size, file.size);
    if (uploads.length >= maxFiles) {
      change(id, { refusal: t('ticket.tooManyFiles', { name: file.name, count: maxFiles }) });
    } else if (bytes > maxMebibytes * 1_024 ** 2) {
      change(id, { refusal: t('ticket.filesTooLarge', { name: file.name, size: `${maxMebibytes} MiB` }) });
    } else {
      const upload = { file, record: `tickets/${id}`, receivedBytes: 0 };
      change(id, { refusal: keptOf(id).refusal, uploads: [...uploads, upload] });
      void start(id, upload);
    }
  }
}

/** Sends a file. One that was removed meanwhile does not stay on the server. */
async function start(ticketId: string, upload: Upload): Promise<void> {
  let last = upload;
  await sendFile(upload, (sent) => {
    last = sent;
    replace(ticketId, upload, sent);
  });
  const isKept = keptOf(ticketId).uploads.some(({ file }) => file === upload.file);
  if (!isKept) await discard(last);
}

async function remove(ticketId: string, upload: Upload): Promise<void> {
  const isSending = !upload.isDone && upload.fault === undefined;
  try {
    // Once a file that is being sent has arrived, it is discarded.
    if (!isSending) await discard(upload);
    replace(ticketId, upload);
  } catch (error) {
    replace(ticketId, upload, { ...upload, fault: faultOf(error) });
  }
}

async function discard({ id, isDone }: Upload): Promise<void> {
  if (isDone) await call('deleteFile', { id, permanent: true });
  else if (id !== undefined) await call('deleteFileUpload', { id });
}

/** The files of a reply, how far they are sent, and what is wrong with them. */
export function AttachmentList({ of, fault }: { of: Attachments; fault: string | undefined }) {
  const wrong = of.refusal ?? fault;
  return (
    <>
      {of.uploads.length > 0 && (
        <ul className={style.attachments} aria-label={t('ticket.attachments')}>
          {of.uploads.map((upload, index) => (
            <li key={upload.id ?? index}>
              <Icon of={icons.FileText} small />
              <span className={text.cut}>{upload.file.name}</span>
              <span className={text.meta}>{sizeText(upload.file.size)}</span>
              {!upload.isDone && upload.fault === undefined && (
                <Ticks label={t('files.sent')} value={sentPart(upload)} />
              )}
              {upload.fault !== undefined && (
                <>
                  <Fault>{upload.fault}</Fault>
                  <Button small icon={icons.RefreshCw} onPress={() => of.retry(upload)}>
                    {t('files.continue')}
                  </Button>
                </>
              )}
              <IconButton
                small
                icon={icons.X}
                name={t('ticket.removeFile', { name: upload.file.name })}
                onPress={() => of.remove(upload)}
              />
            </li>
          ))}
        </ul>
      )}
      {wrong !== undefined && <Fault>{wrong}</Fault>}
    </>
  );
}
