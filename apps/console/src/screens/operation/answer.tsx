import { Fragment, useState } from 'react';
import { copyText, saveFile } from '../../kit/notices.ts';
import { t } from '../../app/language.ts';
import { Segments } from '../../kit/form/segments.tsx';
import { Button, Chip, IconButton, icons, text } from '../../kit/ui.tsx';
import type { Exchange } from './snippets.ts';
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
          <Button small icon={icons.Square} onPress={onStop}>
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
      <Button icon={icons.Download} onPress={() => saveFile(file, name)}>
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
        icon={icons.Copy}
        onPress={() => void copyText(code, t('record.copied'))}
      />
    </div>
  );
}

const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/gi;

/** JSON with colours for names, texts, numbers and words. */
export function Code({ text }: { text: string }) {
  const parts: React.ReactNode[] = [];
  let end = 0;
  // Beyond that, colours cost more than they tell.
  for (const match of text.length > 200_000 ? [] : text.matchAll(tokens)) {
    parts.push(text.slice(end, match.index));
    end = match.index + match[0].length;
    const [whole, quoted, colon, word] = match;
    if (quoted !== undefined && colon !== undefined) parts.push(<b className={style.name}>{quoted}</b>, colon);
    else
      parts.push(
        <span className={style[quoted !== undefined ? 'text' : word !== undefined ? 'word' : 'figure']}>{whole}</span>,
      );
  }
  parts.push(text.slice(end));
  return (
    <pre className={style.code} tabIndex={0}>
      {parts.map((part, index) => (
        <Fragment key={index}>{part}</Fragment>
      ))}
    </pre>
  );
}
