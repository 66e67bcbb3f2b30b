import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { Link, useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { Problem, type ValueFault } from '../contract/api.ts';
import { isJson, textAt } from '../contract/json.ts';
import { Button, Chip, Icon, icons, Skeleton, text } from '../kit/ui.tsx';
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
        icon={icons.RefreshCw}
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
        <Icon of={icons.Lock} />
        <h2 className={text.title}>{t('error.forbidden')}</h2>
        <p>{sentenceOf(error)}</p>
      </>
    );
  return (
    <>
      <Chip tone="danger" icon={icons.TriangleAlert}>
        {error.status > 0 ? `${error.status}, ${error.code}` : error.code}
      </Chip>
      <h2 className={text.title}>{sentenceOf(error)}</h2>
      {error.requestId !== undefined && (
        <code className={text.faint}>{t('error.request', { id: error.requestId })}</code>
      )}
    </>
  );
}

/** What a problem says: in the language of the reader where that has its code, else by the server; with when to try again. */
export function sentenceOf({ code, status, message, errors: [first], body, retryAfter }: Problem): string {
  const known = labels
    .error(code, status)
    ?.replace(/\{(\w+)\}/g, (whole, name) => textAt(body, `metadata.${name}`) || whole);
  const said = known ?? (first ? placedText(first) : message);
  return retryAfter === undefined ? said : `${said} ${t('error.after', { seconds: retryAfter })}`;
}

/** What a problem says that is a part of an answer: of a record of a batch, or of an operation. */
export function problemText(problem: unknown): string {
  return isJson(problem) ? sentenceOf(new Problem(Number(problem.status), problem)) : '';
}

/** What is wrong with a value, after the name of its field. */
export function placedText({ pointer, code, detail }: ValueFault): string {
  const name = pointer
    .split('/')
    .filter((step) => /\D/.test(step))
    .at(-1);
  const said = labels.fault(code, detail);
  return name === undefined ? said : t('error.at', { field: labels.field('', name), fault: said });
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
