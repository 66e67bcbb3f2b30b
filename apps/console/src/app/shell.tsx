import { Link, Outlet } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { Face, Icon, Key } from '../kit/ui.tsx';
import text from '../style/text.module.css';
import { useText } from './language.ts';
import { placeGroups, type Place } from './navigation.ts';
import { isPermitted, useSession } from './session.ts';
import style from './shell.module.css';

/** The rail with the places of the console, and beside it the current one. */
export function Shell() {
  const t = useText();
  const session = useSession();
  return (
    <div className={style['app']}>
      <nav className={style['rail']} aria-label={t('shell.places')}>
        <div className={style['brand']}>
          <Logo />
          <span className={text['cut']}>{session.workspace.name}</span>
        </div>
        <button type="button" className={style['ask']} data-palette>
          <Icon of={Search} />
          <span className={text['grow']}>{t('shell.ask')}</span>
          <Key>⌘ K</Key>
        </button>
        <div className={style['places']}>
          {placeGroups.map(({ key, places }) => (
            <PlaceList
              key={key}
              title={key === 'work' ? undefined : t(`nav.${key}`)}
              places={places.filter((place) => isPermitted(session, place.permission))}
            />
          ))}
        </div>
        <footer className={style['foot']}>
          <Face name={session.user.name} />
          <span className={text['cut']}>{session.user.name}</span>
        </footer>
      </nav>
      <main className={style['main']} id="main">
        <Outlet />
      </main>
    </div>
  );
}

function PlaceList({ title, places }: { title: string | undefined; places: readonly Place[] }) {
  const t = useText();
  if (places.length === 0) return null;
  return (
    <>
      {title !== undefined && <h2>{title}</h2>}
      <ul>
        {places.map(({ to, key, icon }) => (
          <li key={key}>
            <Link to={to} activeOptions={{ exact: to === '/' }} className={style['place']}>
              <Icon of={icon} />
              <span className={text['cut']}>{t(`nav.${key}`)}</span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 22 22" className={style['logo']} aria-hidden>
      <rect width="22" height="22" rx="6" className={style['tile']} />
      <circle cx="11" cy="7.5" r="3" className={style['sign']} />
      <rect x="8" y="12" width="6" height="6" rx="1.5" className={style['sign']} />
    </svg>
  );
}

/** The head of a screen: its title, what is said beside it, and its actions. */
export function Bar({
  title,
  beside,
  children,
}: {
  title: React.ReactNode;
  beside?: React.ReactNode;
  children?: React.ReactNode;
}) {
  return (
    <header className={style['bar']}>
      <h1>{title}</h1>
      {beside !== undefined && <span className={style['beside']}>{beside}</span>}
      <span className={text['grow']} />
      {children}
    </header>
  );
}

/** The part of a screen that scrolls. */
export function Scroll({ children, padded = false }: { children: React.ReactNode; padded?: boolean }) {
  return <div className={padded ? `${style['scroll']} ${style['padded']}` : style['scroll']}>{children}</div>;
}
