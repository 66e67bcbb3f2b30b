import { Copy, Download, Square } from 'lucide-react';
import { useState } from 'react';
import { copyText } from '../../kit/toast.tsx';
import { t } from '../../app/language.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { saveFile } from '../../kit/save-file.ts';
import { Button, Chip, IconButton } from '../../kit/ui.tsx';
import text from '../../style/text.module.css';
import { Code } from './code.tsx';
import type { Exchange } from './exchange.ts';
import style from './operation.module.css';

/** What came back: state, time, cache, what is left of the limit, and the body. */
export function Answer({ answer, onStop }: { answer: Exchange; onStop: () => void }) {
  const [part, setPart] = useState('body');
  const { status, ms, headers, isOpen, file } = answer;
  const headerText = headers.map(([name, value]) => `${name}: ${value}`).join('\n');
  const isFine = status >= 200 && status < 400;
  return (
    <section className={style.answer} aria-label={t('operation.answer')} aria-live="polite">
      <header className={style.facts}>
        <Chip tone={isFine ? 'line' : 'danger'}>{status === 0 ? t('operation.noAnswer') : String(status)}</Chip>
        <span>{t('operation.ms', { ms })}</span>
        {headers
          .filter(([name]) => name === 'cache-status')
          .map(([name, value]) => (
            <span key={name}>{t(value.includes('; hit') ? 'operation.hit' : 'operation.miss')}</span>
          ))}
        {headers
          .filter(([name]) => name === 'ratelimit')
          .map(([name, value]) => (
            <span key={name}>{t('operation.left', { count: Number(/r=(\d+)/.exec(value)?.[1] ?? 0) })}</span>
          ))}
        <span className={text.grow} />
        {isOpen && (
          <Button small icon={Square} onPress={onStop}>
            {t('operation.stop')}
          </Button>
        )}
        <Segments
          small
          label={t('operation.answer')}
          value={part}
          onChange={setPart}
          options={[
            { id: 'body', name: t('operation.body') },
            { id: 'headers', name: t('operation.headers') },
          ]}
        />
      </header>
      {part === 'headers' ? (
        <Code text={headerText} />
      ) : file ? (
        <SavedFile file={file} headers={headers} />
      ) : (
        <Code text={answer.text} />
      )}
    </section>
  );
}

function SavedFile({ file, headers }: { file: Blob; headers: Exchange['headers'] }) {
  const disposition = headers.find(([name]) => name === 'content-disposition')?.[1] ?? '';
  const name = /filename="?([^";]+)/.exec(disposition)?.[1] ?? 'answer';
  return (
    <p className={style.file}>
      <Button icon={Download} onPress={() => saveFile(file, name)}>
        {t('operation.save', { name })}
      </Button>
      <span className={text.meta}>{t('operation.bytes', { count: file.size })}</span>
    </p>
  );
}

/** Text to copy: a call as a command line or in TypeScript. */
export function Snippet({ text: code }: { text: string }) {
  return (
    <div className={style.snippet}>
      <Code text={code} />
      <IconButton
        small
        name={t('operation.copy')}
        icon={Copy}
        onPress={() => void copyText(code, t('record.copied'))}
      />
    </div>
  );
}
