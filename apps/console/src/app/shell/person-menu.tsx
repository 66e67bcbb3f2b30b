import { useState } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { Menu, MenuItem } from '../../kit/overlay.tsx';
import { Face, icons, join, text, Ticks } from '../../kit/ui.tsx';
import { language, t } from '../language.ts';
import { useLiveState } from '../live.ts';
import { signOut, useSession } from '../session.ts';
import { chooseDensity, chooseTheme, chosenDensity, chosenTheme, type Theme } from '../theme.ts';
import style from './shell.module.css';

const themes: readonly { id: Theme; icon: typeof icons.Sun }[] = [
  { id: 'light', icon: icons.Sun },
  { id: 'dark', icon: icons.Moon },
  { id: 'system', icon: icons.SunMoon },
];

/** Who is signed in, whether the screens follow the log, and the choices of this browser. */
export function PersonMenu({ onHelp }: { onHelp: () => void }) {
  const { user } = useSession();
  const live = useLiveState();
  const [, redraw] = useState(0);
  const choose = (apply: () => void) => () => {
    apply();
    redraw((count) => count + 1);
  };
  const button = (
    <AriaButton className={style.person}>
      <Face name={user.name} />
      <span className={join(text.cut, style.name)}>{user.name}</span>
      <span className={text.hidden}>{t('person.menu')}</span>
    </AriaButton>
  );
  const isCompact = chosenDensity() === 'compact';
  return (
    <footer className={style.foot}>
      <Menu button={button} label={user.email}>
        {themes.map(({ id, icon }) => (
          <MenuItem
            key={id}
            id={id}
            icon={chosenTheme() === id ? icons.Check : icon}
            onAction={choose(() => chooseTheme(id))}
          >
            {t(`theme.${id}`)}
          </MenuItem>
        ))}
        <MenuItem
          id="density"
          icon={icons.Rows3}
          onAction={choose(() => chooseDensity(isCompact ? 'comfortable' : 'compact'))}
        >
          {t(isCompact ? 'density.comfortable' : 'density.compact')}
        </MenuItem>
        <MenuItem
          id="language"
          icon={icons.Languages}
          onAction={() => changeLanguage(language === 'en' ? 'zh-CN' : 'en')}
        >
          {language === 'en' ? '简体中文' : 'English'}
        </MenuItem>
        <MenuItem id="help" icon={icons.CircleQuestionMark} shortcut="?" onAction={onHelp}>
          {t('help.title')}
        </MenuItem>
        <MenuItem id="sign-out" icon={icons.LogOut} onAction={() => void signOut()}>
          {t('person.signOut')}
        </MenuItem>
      </Menu>
      <span className={style.pulse} role="status">
        <Ticks
          label=""
          count={5}
          value={live === 'live' ? 1 : 0.2}
          tone={live === 'lost' ? 'warn' : 'accent'}
          height={6}
        />
        <span>{t(`live.${live}`)}</span>
      </span>
    </footer>
  );
}

function changeLanguage(language: string): void {
  localStorage.setItem('language', language);
  location.reload();
}
