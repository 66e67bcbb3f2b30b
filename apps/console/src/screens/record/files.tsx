import { useQuery } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { t } from '../../app/language.ts';
import { call, download, invalidate, readQuery } from '../../contract/api.ts';
import { itemsAt, textAt, type Json } from '../../contract/json.ts';
import { sendFile, sentPart, sizeText, type Upload } from '../../kit/file-upload.ts';
import { Fault } from '../../kit/form/form-faults.tsx';
import { notify, saveFile } from '../../kit/notices.ts';
import { Button, Icon, IconButton, icons, text, Ticks } from '../../kit/ui.tsx';
import { nameOfRecord, type Item } from './item.ts';
import { Panel } from './panel.tsx';
import style from './record.module.css';

/** Files of the record. An upload that breaks off continues where the server has it. */
export function Files({ item }: { item: Item }) {
  const input = useRef<HTMLInputElement>(null);
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const record = nameOfRecord(item);
  const { data } = useQuery(readQuery('listFiles', { record }));
  const files = itemsAt(data, 'files');
  const canAdd = item.may('createFileUpload') && !item.isDeleted;
  const change = (upload: Upload) =>
    setUploads((all) => [...all.filter(({ file }) => file !== upload.file), ...(upload.isDone ? [] : [upload])]);
  const send = (upload: Upload) => sendFile(upload, change).then(() => invalidate('files'));
  const add = (added: readonly File[]) => {
    for (const file of added) void send({ file, record, receivedBytes: 0 });
  };
  return (
    <div
      onDragOver={(event) => canAdd && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        if (canAdd) add([...event.dataTransfer.files]);
      }}
    >
      <Panel
        title={t('files.files')}
        count={files.length === 0 ? t('record.none') : String(files.length)}
        onAdd={canAdd ? () => input.current?.click() : undefined}
      >
        <input ref={input} type="file" multiple hidden onChange={(event) => add([...(event.target.files ?? [])])} />
        {uploads.map((upload) => (
          <Sending key={upload.file.name} upload={upload} onRetry={() => void send(upload)} />
        ))}
        {files.map((file) => (
          <Stored key={textAt(file, 'id')} file={file} canDelete={item.may('deleteFile')} />
        ))}
      </Panel>
    </div>
  );
}

function Sending({ upload, onRetry }: { upload: Upload; onRetry: () => void }) {
  const { file, fault } = upload;
  return (
    <div className={style.sending}>
      <span className={text.cut}>{file.name}</span>
      <Ticks
        label={t('files.sent')}
        count={48}
        value={sentPart(upload)}
        tone={fault === undefined ? 'accent' : 'warn'}
      />
      {fault !== undefined && (
        <span className={text.row}>
          <Fault>{fault}</Fault>
          <Button small icon={icons.RefreshCw} onPress={onRetry}>
            {t('files.continue')}
          </Button>
        </span>
      )}
    </div>
  );
}

function Stored({ file, canDelete }: { file: Json; canDelete: boolean }) {
  const name = textAt(file, 'name');
  const remove = async () => {
    await call('deleteFile', { id: file.id }, { ifMatch: textAt(file, 'etag') });
    await invalidate('files');
    const undo = () => call('undeleteFile', { id: file.id }).then(() => invalidate('files'));
    notify(t('record.deleted', { name }), undo);
  };
  return (
    <div className={style.row}>
      <Icon of={icons.FileText} />
      <button
        type="button"
        className={`${text.link} ${text.cut} ${text.grow} ${style.file}`}
        onClick={() => void download('downloadFile', { id: file.id }).then((blob) => saveFile(blob, name))}
      >
        {name}
      </button>
      <span className={text.meta}>{sizeText(Number(file.sizeBytes ?? 0))}</span>
      {canDelete && (
        <IconButton small name={t('files.delete', { name })} icon={icons.Trash} onPress={() => void remove()} />
      )}
    </div>
  );
}
