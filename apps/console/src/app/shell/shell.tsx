import { Link, Outlet, useLocation, useNavigate, useRouterState } from '@tanstack/react-router';
import { useEffect, useState, type ReactNode } from 'react';
import { Icon, icons, join, Key, text } from '../../kit/ui.tsx';
import { t } from '../language.ts';
import { followChanges } from '../live.ts';
import { isWithin, placeGroups, useMayGo, type Place } from '../navigation.ts';
import { followNotifications } from '../notifications.ts';
import { useWorkspaceName } from '../session.ts';
import { focusMain, keyText, listenToKeys, useShortcut } from '../shortcuts.ts';
import { Bell } from './bell.tsx';
import { Help } from './help.tsx';
import { Palette } from './palette.tsx';
import { PersonMenu } from './person-menu.tsx';
import { PlaceTabs } from './place-tabs.tsx';
import style from './shell.module.css';

/** The rail with the places of the console, and beside it the current one. */
export function Shell() {
  const workspace = useWorkspaceName();
  const mayGo = useMayGo();
  const [open, setOpen] = useState<'palette' | 'help'>();
  useEffect(listenToKeys, []);
  useEffect(followChanges, []);
  useEffect(followNotifications, []);
  // Once the new screen is there: what had the focus on the old one is gone only then, and the router has scrolled.
  const shown = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  useEffect(() => {
    focusMain();
    for (const current of document.querySelectorAll('nav .active'))
      current.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [shown]);
  useShortcut('mod+k', 'palette.name', () => setOpen('palette'));
  useShortcut('?', 'help.title', () => setOpen('help'));
  const permitted = placeGroups.map(({ key, places }) => ({
    key,
    places: places.filter((place) => mayGo(place.to, place.permission)),
  }));
  return (
    <div className={style.app}>
      <a href="#main" className={style.skip}>
        {t('shell.skip')}
      </a>
      <nav className={style.rail} aria-label={t('shell.places')}>
        <div className={style.brand}>
          <Logo />
          <span className={text.cut} title={workspace}>
            {workspace}
          </span>
          <Bell />
        </div>
        <button type="button" className={style.ask} title={t('shell.ask')} onClick={() => setOpen('palette')}>
          <Icon of={icons.Search} />
          <span className={text.grow}>{t('shell.ask')}</span>
          <Key>{keyText('mod+k')}</Key>
        </button>
        <div className={style.places}>
          {permitted.map(({ key, places }) => (
            <PlaceList key={key} title={key === 'work' ? undefined : t(`nav.${key}`)} places={places} />
          ))}
        </div>
        <PersonMenu onHelp={() => setOpen('help')} />
      </nav>
      <main className={style.main} id="main" tabIndex={-1}>
        <PlaceTabs />
        <Outlet />
      </main>
      <TabBar places={permitted.flatMap(({ places }) => places)} onSearch={() => setOpen('palette')} />
      <Palette isOpen={open === 'palette'} onClose={() => setOpen(undefined)} />
      <Help isOpen={open === 'help'} onClose={() => setOpen(undefined)} />
    </div>
  );
}

function PlaceList({ title, places }: { title: string | undefined; places: readonly Place[] }) {
  if (places.length === 0) return null;
  return (
    <>
      {title !== undefined && <h2>{title}</h2>}
      <ul>
        {places.map((place) => (
          <PlaceLink key={place.key} place={place} />
        ))}
      </ul>
    </>
  );
}

function PlaceLink({ place }: { place: Place }) {
  const { to, key, icon, letter } = place;
  const navigate = useNavigate();
  const isCurrent = isWithin(place, useLocation().pathname);
  useShortcut(`g ${letter ?? ''}`, `nav.${key}`, () => void navigate({ to }), letter !== undefined);
  return (
    <li>
      <Link
        to={to}
        activeOptions={{ exact: to === '/' }}
        className={join(style.place, isCurrent && 'active')}
        {...(isCurrent && { 'aria-current': true })}
        title={t(`nav.${key}`)}
      >
        <Icon of={icon} />
        <span className={text.cut}>{t(`nav.${key}`)}</span>
      </Link>
    </li>
  );
}

/** In place of the rail on narrow screens: four places, and the search that finds the others. */
function TabBar({ places, onSearch }: { places: readonly Place[]; onSearch: () => void }) {
  const { pathname } = useLocation();
  return (
    <nav className={style.tabs} aria-label={t('shell.places')}>
      {places
        .filter(({ key }) => ['home', 'myDay', 'customers', 'deals'].includes(key))
        .map((place) => (
          <Link
            key={place.key}
            to={place.to}
            activeOptions={{ exact: place.to === '/' }}
            className={join(style.tab, isWithin(place, pathname) && 'active')}
          >
            <span>
              <Icon of={place.icon} />
            </span>
            {t(`nav.${place.key}`)}
          </Link>
        ))}
      <button type="button" className={style.tab} onClick={onSearch}>
        <span>
          <Icon of={icons.Search} />
        </span>
        {t('shell.search')}
      </button>
    </nav>
  );
}

export function Logo() {
  return (
    <svg viewBox="0 0 22 22" className={style.logo} aria-hidden>
      <rect width="22" height="22" rx="5.5" className={style.tile} />
      <circle cx="11" cy="6.9" r="2.9" className={style.sign} />
      <rect x="8.1" y="12.2" width="5.8" height="5.8" rx="1.5" className={style.sign} />
    </svg>
  );
}

/** The head of a screen: its title, what is said beside it, and its actions. */
export function Bar({ title, beside, children }: { title: ReactNode; beside?: ReactNode; children?: ReactNode }) {
  return (
    <header className={style.bar}>
      <h1>{title}</h1>
      {beside !== undefined && <span className={style.beside}>{beside}</span>}
      <span className={text.grow} />
      {children}
    </header>
  );
}

/** The part of a screen that scrolls. */
export function Scroll({ children, padded = false }: { children: ReactNode; padded?: boolean }) {
  return (
    <div className={join(style.scroll, padded && style.padded)} tabIndex={0}>
      {children}
    </div>
  );
}
