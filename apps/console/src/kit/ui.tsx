import { createElement, type ReactNode } from 'react';
import {
  Button as AriaButton,
  Tooltip,
  TooltipTrigger,
  type ButtonProps as AriaButtonProps,
} from 'react-aria-components';
import type { IconType } from '../gen/icons.ts';
import style from './ui.module.css';

/** The icons of Lucide by their names. The build takes over those that are used. */
export * as icons from '../gen/icons.ts';
export type { IconType };
/** The styles of texts and rows that all screens have in common. */
export { default as text } from '../style/text.module.css';

/** An icon in the one stroke of the console, of 1.5 pixels. */
export function Icon({ of, small = false }: { of: IconType; small?: boolean }) {
  const size = small ? 12 : 16;
  const stroke = { strokeWidth: (1.5 * 24) / size, strokeLinecap: 'round', strokeLinejoin: 'round' } as const;
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" {...stroke} aria-hidden>
      {of.map(([tag, attributes], index) => createElement(tag, { key: index, ...attributes }))}
    </svg>
  );
}

export interface ButtonProps extends Omit<AriaButtonProps, 'className' | 'style' | 'children'> {
  /** `primary` once on each screen. */
  kind?: 'plain' | 'primary' | 'danger' | 'bare';
  small?: boolean;
  icon?: IconType;
  /** Key that does the same, as it is shown. */
  shortcut?: string;
  children?: ReactNode;
}

export function Button({ kind = 'plain', small, icon, shortcut, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={join(style.button, style[kind], small && style.small)}>
      {icon && <Icon of={icon} />}
      {children}
      {shortcut !== undefined && <Key>{shortcut}</Key>}
    </AriaButton>
  );
}

/** A button with an icon alone: its name is for readers and in the tooltip. */
export function IconButton({
  name,
  icon,
  shortcut,
  small,
  ...rest
}: Omit<ButtonProps, 'children' | 'kind'> & { name: string }) {
  return (
    <TooltipTrigger delay={400}>
      <AriaButton
        {...rest}
        aria-label={name}
        className={join(style.button, style.bare, style.icon, small && style.small)}
      >
        {icon && <Icon of={icon} />}
      </AriaButton>
      <Tooltip className={style.tooltip} offset={6}>
        {name}
        {shortcut !== undefined && <Key>{shortcut}</Key>}
      </Tooltip>
    </TooltipTrigger>
  );
}

export function Key({ children }: { children: ReactNode }) {
  return <kbd className={style.key}>{children}</kbd>;
}

/** Keys, and what they do. */
export function Keys({ of, children }: { of: readonly string[]; children: ReactNode }) {
  return (
    <span className={style.keys}>
      {of.map((key) => (
        <Key key={key}>{key}</Key>
      ))}
      {children}
    </span>
  );
}

export type Tone = 'mark' | 'danger' | 'warn' | 'good' | 'info' | 'line' | 'quiet';

export function Chip({ tone = 'quiet', icon, children }: { tone?: Tone; icon?: IconType; children: ReactNode }) {
  return (
    <span className={join(style.chip, style[tone])}>
      {icon && <Icon of={icon} small />}
      <span>{children}</span>
    </span>
  );
}

interface FaceProps {
  name: string;
  shape?: 'person' | 'company' | 'machine';
  size?: 'small' | 'middle' | 'big';
}

/** Letters that are as wide as they are high. */
const wide = /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}/u;

/** A circle is a person, a square a company, an outlined square a machine. */
export function Face({ name, shape = 'person', size = 'small' }: FaceProps) {
  const initials = initialsOf(name);
  const isWide = wide.test(initials);
  const tint = style[`tint${(hash(name) % 6) + 1}`];
  return (
    <span
      aria-hidden
      className={join(style.face, style[shape], style[size], isWide && style.wide, shape !== 'machine' && tint)}
    >
      {initials}
    </span>
  );
}

/**
 * The measure of the console: `value` of `limit` as ticks, with a tall tick where the limit is.
 *
 * @param label what is measured, for readers; empty where text beside it says so
 */
export function Ticks({ label, count = 24, value, failed = 0, limit, tone = 'accent', height = 8 }: TicksProps) {
  const filled = Math.round(Math.min(1, Math.max(0, value)) * count);
  const goodEnd = filled - Math.min(filled, Math.ceil(failed * count));
  const limitAt = limit === undefined ? undefined : Math.round(limit * count);
  return (
    <svg
      {...(label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
      width={count * 4}
      height={height}
      className={join(style.ticks, style[`ticks-${tone}`])}
    >
      {Array.from({ length: count }, (_, index) => (
        <line
          key={index}
          x1={index * 4 + 1}
          x2={index * 4 + 1}
          y1={index === limitAt ? 0 : 2}
          y2={height}
          className={join(
            index === limitAt ? style.limit : index >= filled ? style.off : index < goodEnd ? style.on : style.failed,
          )}
        />
      ))}
    </svg>
  );
}

interface TicksProps {
  label: string;
  count?: number;
  /** From 0 to 1. */
  value: number;
  /** From 0 to 1: the end of the value that has failed. Any has at least one tick. */
  failed?: number;
  /** From 0 to 1: where the tall tick is. */
  limit?: number;
  tone?: 'accent' | 'warn' | 'danger';
  height?: number;
}

/** In place of a text that is not there yet. @param width in ch */
export function Skeleton({ width }: { width: number }) {
  return <span className={style.skeleton} style={{ width: `${width}ch` }} aria-hidden />;
}

export function join(...names: readonly (string | false | undefined)[]): string {
  return names.filter((name) => name !== false && name !== undefined).join(' ');
}

function initialsOf(name: string): string {
  const [first = '', ...rest] = name.trim().split(/[\s,]+/u);
  const last = rest.at(-1) ?? '';
  const letters = [first, last].map((word) => [...word].find((letter) => /[\p{L}\p{N}]/u.test(letter)) ?? '');
  return wide.test(first) ? ([...first][0] ?? '') : letters.join('').toUpperCase();
}

function hash(text: string): number {
  let sum = 7;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 997;
  return sum;
}
