import { useQuery } from '@tanstack/react-query';
import { useNavigate, useRouter } from '@tanstack/react-router';
import { useDeferredValue, useState } from 'react';
import {
  Autocomplete,
  Dialog as AriaDialog,
  Input,
  ListLayout,
  Menu as AriaMenu,
  MenuItem as AriaMenuItem,
  Modal,
  ModalOverlay,
  SearchField,
  Virtualizer,
} from 'react-aria-components';
import { theContract } from '../../contract/contract.ts';
import { readQuery } from '../../contract/api.ts';
import { itemsAt, textAt } from '../../contract/json.ts';
import { Icon, icons, Key, Keys, text, type IconType } from '../../kit/ui.tsx';
import { labels, t } from '../language.ts';
import { placeGroups, useMayGo } from '../navigation.ts';
import { isPermitted, useSession } from '../session.ts';
import { keyText, useShortcuts } from '../shortcuts.ts';
import { tabName } from './place-tabs.tsx';
import style from './palette.module.css';

interface Entry {
  id: string;
  name: string;
  beside: string;
  icon: IconType | undefined;
  keys?: string;
  run: () => void;
}

/** Finds records, places, actions of the screen and operations of the API by a few letters, and goes there or runs them. */
export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  return (
    <ModalOverlay isOpen={isOpen} onOpenChange={(open) => !open && onClose()} isDismissable className={style.overlay}>
      <Modal className={style.modal}>
        <PaletteContent onClose={onClose} />
      </Modal>
    </ModalOverlay>
  );
}

function PaletteContent({ onClose }: { onClose: () => void }) {
  const [query, setQuery] = useState('');
  const sought = query.trim();
  // Not deferred: Enter runs the first of what was typed, however fast it was typed.
  const commands = useCommands().filter(({ name, beside }) => matches(`${name} ${beside}`, sought));
  const records = useRecords(useDeferredValue(sought));
  const entries = [
    ...(sought === '' ? commands.slice(0, 12) : [...commands.slice(0, 4), ...records, ...commands.slice(4, 30)]),
  ];
  const run = (id: string) => {
    onClose();
    entries.find((entry) => entry.id === id)?.run();
  };
  return (
    <AriaDialog className={style.dialog} aria-label={t('palette.name')}>
      <Autocomplete inputValue={query} onInputChange={setQuery}>
        <SearchField autoFocus aria-label={t('palette.name')} className={style.field}>
          <Icon of={icons.Search} />
          <Input className={style.input} />
          <Key>Esc</Key>
        </SearchField>
        <Virtualizer layout={ListLayout} layoutOptions={{ rowHeight: 36, padding: 6 }}>
          <AriaMenu
            items={entries}
            className={style.list}
            onAction={(key) => run(String(key))}
            renderEmptyState={() => (
              <p className={style.empty}>{t(sought.length === 1 ? 'palette.more' : 'palette.nothing')}</p>
            )}
          >
            {({ id, name, beside, icon, keys }) => (
              <AriaMenuItem id={id} textValue={name} className={style.item}>
                {icon && <Icon of={icon} />}
                <span className={text.cut}>{name}</span>
                <span className={style.beside}>{beside}</span>
                {keys !== undefined && <Key>{keyText(keys)}</Key>}
              </AriaMenuItem>
            )}
          </AriaMenu>
        </Virtualizer>
      </Autocomplete>
      <footer className={style.foot}>
        <Keys of={['↑', '↓']}>{t('palette.choose')}</Keys> <Keys of={['↵']}>{t('palette.run')}</Keys>
      </footer>
    </AriaDialog>
  );
}

/** Places, actions that the screen has keys for, collections and operations. */
function useCommands(): Entry[] {
  const session = useSession();
  const mayGo = useMayGo();
  const navigate = useNavigate();
  const shortcuts = useShortcuts();
  const contract = theContract();
  const places = placeGroups.flatMap((group) => group.places).filter(({ to, permission }) => mayGo(to, permission));
  const isPlace = (path: string) => places.some(({ to }) => to === path);
  const tabs = places.flatMap(({ tabs: paths = [], icon, key }) =>
    paths.filter((to) => !isPlace(to) && mayGo(to)).map((to) => ({ to, icon, key })),
  );
  const operations = contract.operations.filter(({ permission }) =>
    isPermitted(session, permission.replace(/\.\{\w+\}/, '')),
  );
  return [
    ...shortcuts
      .filter(({ keys }) => !keys.startsWith('g ') && keys.length > 1 && keys !== 'mod+k')
      .map(({ keys, name, run }) => ({
        id: `key:${keys}`,
        name: t(name),
        beside: '',
        icon: undefined,
        keys,
        run: () => run(new KeyboardEvent('keydown')),
      })),
    ...places.map(({ to, key, icon, letter }) => ({
      id: `place:${key}`,
      name: t(`nav.${key}`),
      beside: t('palette.place'),
      icon,
      ...(letter !== undefined && { keys: `g ${letter}` }),
      run: () => void navigate({ to }),
    })),
    ...tabs.map(({ to, icon, key }) => ({
      id: `tab:${to}`,
      name: tabName(to),
      beside: t(`nav.${key}`),
      icon,
      run: () => void navigate({ to }),
    })),
    ...operations.map(({ id, verb, path }) => ({
      id: `operation:${id}`,
      name: labels.operation(id),
      beside: `${verb} ${path}`,
      icon: icons.CodeXml,
      run: () => void navigate({ to: '/operations/$operation', params: { operation: id } }),
    })),
  ];
}

const unspacedLetter = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]$/u;

/** Records of any type that the text search finds. */
function useRecords(sought: string): Entry[] {
  const router = useRouter();
  // A word of Chinese or Japanese may be a single letter.
  const isSought = (sought.length >= 2 || unspacedLetter.test(sought)) && theContract().hasOperation('search');
  const { data } = useQuery(readQuery('search', { q: sought, pageSize: 8 }, isSought));
  return itemsAt(data, 'results').map((result) => {
    const type = textAt(result, 'type');
    const resource = theContract().recordType(type);
    const object = type.startsWith('objects.') ? type.slice('objects.'.length) : undefined;
    const id = textAt(result, 'id');
    const path = object === undefined ? `/${resource?.name ?? type}/${id}` : `/objects/${object}/${id}`;
    return {
      id: `record:${id}`,
      name: textAt(result, 'title'),
      beside: [labels.singular(object ?? resource?.singular ?? type), textAt(result, 'detail')]
        .filter((part) => part !== '')
        .join(', '),
      icon: icons.BuildingComplex,
      run: () => router.history.push(path),
    };
  });
}

/** Whether each word of the query begins a word of the text. */
function matches(name: string, query: string): boolean {
  const folded = name.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every(
      (word) =>
        folded.startsWith(word) ||
        folded.includes(` ${word}`) ||
        (/[^\u0020-\u007e]/.test(word) && folded.includes(word)),
    );
}
