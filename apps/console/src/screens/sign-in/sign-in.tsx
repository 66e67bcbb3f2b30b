import { useState, type SyntheticEvent } from 'react';
import { language, t } from '../../app/language.ts';
import { signInUrl } from '../../app/session.ts';
import { Logo } from '../../app/shell/shell.tsx';
import { TextField } from '../../kit/form/field.tsx';
import { Button, Icon, icons } from '../../kit/ui.tsx';
import style from './sign-in.module.css';

/** Asks for the workspace, and goes to its sign-in. */
export function SignIn() {
  const [workspace, setWorkspace] = useState(() => localStorage.getItem('workspace') ?? '');
  const goOn = (event: SyntheticEvent) => {
    event.preventDefault();
    localStorage.setItem('workspace', workspace);
    location.assign(signInUrl(workspace.trim(), returnPath(), language));
  };
  return (
    <div className={style.page}>
      <main className={style.door}>
        <header className={style.brand}>
          <Logo /> Rapport
        </header>
        <form className={style.form} onSubmit={goOn}>
          <h1>{t('signIn.title')}</h1>
          <TextField
            label={t('signIn.workspace')}
            help={t('signIn.help')}
            value={workspace}
            onChange={setWorkspace}
            isRequired
            autoFocus
            autoComplete="organization"
          />
          <Button type="submit" kind="primary" icon={icons.CornerDownLeft}>
            {t('signIn.continue')}
          </Button>
          <p className={style.next}>
            <Icon of={icons.ShieldCheck} /> {t('signIn.next')}
          </p>
        </form>
      </main>
      <aside className={style.poster}>
        <p>{t('signIn.poster')}</p>
        <LogPicture />
        <small>{t('signIn.reason')}</small>
      </aside>
    </div>
  );
}

/** Where the visitor was going: a path of this console, never another origin. */
function returnPath(): string {
  const wanted = new URLSearchParams(location.search).get('return') ?? '/';
  const url = new URL(wanted, location.origin);
  return url.origin === location.origin ? url.pathname + url.search : '/';
}

/** The log as a scale of ticks, with now. */
function LogPicture() {
  return (
    <svg viewBox="0 0 760 300" aria-hidden className={style.log}>
      {Array.from({ length: 96 }, (_, index) => {
        const height =
          index < 64
            ? 20 + 60 * Math.abs(Math.sin(index / 9) + Math.sin(index / 23)) + (index % 7) * 3
            : index % 8 === 0
              ? 26
              : 12;
        const x = 4 + index * 8;
        return (
          <line key={index} x1={x} x2={x} y1={240 - height} y2={240} opacity={index < 64 ? 0.25 + index / 130 : 0.2} />
        );
      })}
      <line x1="516" x2="516" y1="40" y2="284" className={style.now} />
    </svg>
  );
}
