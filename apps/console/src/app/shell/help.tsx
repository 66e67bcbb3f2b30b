import { Dialog } from '../../kit/overlay.tsx';
import { Key } from '../../kit/ui.tsx';
import { t } from '../language.ts';
import { placeGroups } from '../navigation.ts';
import { keyText, useShortcuts } from '../shortcuts.ts';
import style from './help.module.css';

/** The keys that do something on this screen, and those that go to the places. */
export function Help({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const shortcuts = useShortcuts().filter(({ keys }) => !keys.startsWith('g '));
  const places = placeGroups.flatMap((group) => group.places).filter(({ letter }) => letter !== undefined);
  return (
    <Dialog title={t('help.title')} isOpen={isOpen} onClose={onClose} wide>
      <div className={style.columns}>
        <KeyList title={t('help.here')} keys={shortcuts.map(({ keys, name }) => [keys, t(name)])} />
        <KeyList title={t('help.go')} keys={places.map(({ letter, key }) => [`g ${letter}`, t(`nav.${key}`)])} />
      </div>
    </Dialog>
  );
}

function KeyList({ title, keys }: { title: string; keys: readonly (readonly [string, string])[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className={style.keys}>
        {keys.map(([key, name]) => (
          <div key={key}>
            <dt>
              {keyText(key)
                .split(' ')
                .map((part) => (
                  <Key key={part}>{part}</Key>
                ))}
            </dt>
            <dd>{name}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
