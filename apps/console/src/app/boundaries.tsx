import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { Lock, RefreshCw, TriangleAlert } from 'lucide-react';
import { Problem } from '../contract/api.ts';
import { Button, Chip, Icon, Skeleton } from '../kit/ui.tsx';
import text from '../style/text.module.css';
import style from './boundaries.module.css';
import { labels, t } from './language.ts';

/** In place of a screen that failed: what could not be done, when to try again, and what support asks for. */
export function Failure({ error }: ErrorComponentProps) {
  const router = useRouter();
  const { reset } = useQueryErrorResetBoundary();
  return (
    <section className={style.panel} role="alert">
      <ProblemText error={error} />
      <Button
        icon={RefreshCw}
        onPress={() => {
          reset();
          void router.invalidate();
        }}
      >
        {t('error.tryAgain')}
      </Button>
    </section>
  );
}

export function ProblemText({ error }: { error: unknown }) {
  if (!(error instanceof Problem)) return <p>{t('error.unexpected')}</p>;
  if (error.status === 403)
    return (
      <>
        <Icon of={Lock} />
        <h2 className={text.title}>{t('error.forbidden')}</h2>
        <p>{error.message}</p>
      </>
    );
  return (
    <>
      <Chip tone="danger" icon={TriangleAlert}>
        {error.status > 0 ? `${error.status}, ${error.code}` : error.code}
      </Chip>
      <h2 className={text.title}>{sentenceOf(error)}</h2>
      {error.requestId !== undefined && (
        <code className={text.faint}>{t('error.request', { id: error.requestId })}</code>
      )}
    </>
  );
}

/** What a problem says: the server's own sentence, unless it is one that any call can meet; with when to try again. */
export function sentenceOf({ code, status, message, retryAfter }: Problem): string {
  const said = labels.error(code, status) ?? message;
  return retryAfter === undefined ? said : `${said} ${t('error.after', { seconds: retryAfter })}`;
}

/** What a call failed with, where it was made; nothing when it did not. */
export function ProblemNote({ error }: { error: unknown }) {
  if (!error) return null;
  return (
    <div className={style.note} role="alert">
      <ProblemText error={error} />
    </div>
  );
}

export function Missing() {
  return (
    <section className={style.panel}>
      <h2 className={text.title}>{t('error.missing')}</h2>
      <Link to="/" className={text.link}>
        {t('nav.home')}
      </Link>
    </section>
  );
}

export function Pending() {
  return (
    <div className={style.pending} aria-busy>
      {[32, 24, 40, 28, 36].map((width) => (
        <Skeleton key={width} width={width} />
      ))}
    </div>
  );
}
