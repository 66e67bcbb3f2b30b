import { Fragment } from 'react';
import style from './operation.module.css';

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
