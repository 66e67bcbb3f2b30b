import { useCallback, useEffect, useEffectEvent, useState } from 'react';
import { t } from '../../../app/language.ts';
import { Icon, icons, text } from '../../../kit/ui.tsx';
import style from '../conversation.module.css';
import { buildMail, type MailShown } from './mail-document.ts';

interface TrustedPolicy {
  createHTML: (html: string) => string;
}
declare const trustedTypes:
  | { createPolicy: (name: string, rules: { createHTML: (html: string) => string }) => TrustedPolicy }
  | undefined;

/**
 * Markup of a mail goes to `DOMParser` alone, whose documents run and load nothing. `pass` marks it for that; a live page gets the
 * constant `shell` and elements that `buildMail` makes.
 */
const pass: TrustedPolicy =
  typeof trustedTypes === 'undefined'
    ? { createHTML: (html) => html }
    : trustedTypes.createPolicy('mail', { createHTML: (html) => html });

/** The page of the frame has a policy of its own, beside that of the console which it inherits: it loads nothing at all. */
const shell = `<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:"></head><body></body></html>`;

const styles = `
  :root { color-scheme: light; }
  body { margin: 0; font: 14px/22px system-ui, sans-serif; color: #1b1f17; overflow-wrap: anywhere; overflow-y: hidden; }
  img { max-width: 100%; height: auto; }
  pre { white-space: pre-wrap; }
  blockquote { margin: 8px 0; padding-left: 12px; border-left: 1px solid #c8c9c0; color: #50554a; }
  a { color: #41621a; }
  .picture { display: inline-block; padding: 0 6px; border: 1px dashed #9a9c92; color: #50554a; font-size: 12px; }
`;

/** A mail is at most so high, in CSS pixels: further down it scrolls. */
const mostHeight = 12_000;

/**
 * The HTML of a mail as it was written. It is in a sandbox without scripts, forms or navigation, loads nothing, and cannot leave its
 * frame. `allow-same-origin` lets this page build it and measure it; nothing within can use that, since nothing within runs.
 */
export default function MailFrame({ html, title, pictures = noPictures, onSized }: MailFrameProps) {
  const [height, setHeight] = useState(64);
  const [shown, setShown] = useState<MailShown>();
  const announce = useEffectEvent(() => onSized?.());
  const isSized = shown !== undefined && height !== 64;
  useEffect(() => {
    if (isSized) announce();
  }, [isSized]);
  const fill = useCallback(
    (frame: HTMLIFrameElement | null) => {
      if (!frame) return undefined;
      const observer = new ResizeObserver(([entry]) => {
        const root = entry?.target.ownerDocument.documentElement;
        if (root) setHeight(Math.min(mostHeight, Math.ceil(root.getBoundingClientRect().height)));
      });
      frame.onload = () => {
        const { contentDocument: page, contentWindow: view } = frame;
        // A frame that was left before its page was there.
        if (!page || !view) return;
        const sheet = new (view as Window & typeof globalThis).CSSStyleSheet();
        sheet.replaceSync(styles);
        page.adoptedStyleSheets = [sheet];
        const parsed = new DOMParser().parseFromString(pass.createHTML(withoutStyles(html)), 'text/html');
        setShown(buildMail(page, parsed, { pictures }));
        observer.observe(page.documentElement);
      };
      frame.srcdoc = pass.createHTML(shell);
      return () => observer.disconnect();
    },
    [html, pictures],
  );
  return (
    <div className={text.stack}>
      <iframe
        ref={fill}
        title={title}
        sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        className={style.frame}
        style={{ height }}
      />
      {shown && shown.remote.length > 0 && (
        <p className={`${text.row} ${text.meta}`}>
          <Icon of={icons.ImageOff} small />
          {t('ticket.remote', { count: shown.remote.length })}
        </p>
      )}
      {shown?.isCut && <p className={text.meta}>{t('ticket.cut')}</p>}
    </div>
  );
}

/**
 * The same with `data-style` in place of `style`, which a browser reports as a breach of the policy even where it is only parsed.
 * Styles that this does not find are reported, and not shown.
 */
function withoutStyles(html: string): string {
  return html.replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/([\s"'/])style\s*=/gi, '$1data-style='));
}

const noPictures: ReadonlyMap<string, string> = new Map();

interface MailFrameProps {
  html: string;
  /** For readers of the screen. */
  title: string;
  pictures?: ReadonlyMap<string, string>;
  /** Once its height is known. */
  onSized?: () => void;
}
