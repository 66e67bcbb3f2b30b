import { html, Html } from '@rapport/platform';
import type { Texts } from '../../sign-in/texts/texts.js';

/** The logo: two parties and a colon. */
export const logo = html`<svg class="logo" viewBox="0 0 22 22" aria-hidden="true">
  <rect class="tile" width="22" height="22" rx="5.5" />
  <circle class="m" cx="11" cy="6.9" r="2.9" />
  <rect class="m" x="8.1" y="12.2" width="5.8" height="5.8" rx="1.5" />
</svg>`;

/** Length of each tick of the poster's log up to now, the oldest first. */
const ticks = [
  ...[
    36, 24, 25, 27, 24, 28, 14, 21, 44, 27, 33, 23, 31, 32, 41, 47, 58, 54, 62, 79, 82, 78, 92, 85, 108, 86, 82, 93, 78,
    73,
  ],
  ...[
    81, 74, 75, 68, 59, 60, 53, 66, 65, 73, 91, 74, 82, 86, 94, 101, 114, 128, 141, 147, 150, 157, 173, 174, 177, 184,
    205,
  ],
  ...[182, 198, 182, 191, 190, 172, 179, 180, 162],
];
const [left, step, ground] = [48, 7.7, 640];

/** The log of changes, with a position for each, up to now. Hidden on narrow screens. */
export function poster({ line, caption }: Texts['poster']): Html {
  return html`<aside aria-hidden="true">
    ${drawing}
    <p class="say">${line}</p>
    <p class="caption">${caption}</p>
  </aside>`;
}

const drawing = new Html(
  `<svg viewBox="0 0 760 900" preserveAspectRatio="xMidYMid slice">${past()}${future()}${now()}</svg>`,
);

function past(): string {
  return ticks
    .map((length, index) => {
      const fade = (0.25 + (0.45 * index) / ticks.length).toFixed(2);
      return `<path d="${tick(index, length)}" stroke-opacity="${fade}"/>`;
    })
    .join('');
}

function future(): string {
  const rest = Array.from({ length: 29 }, (_, index) => tick(ticks.length + 1 + index, index % 8 === 5 ? 26 : 12));
  return `<path d="${rest.join('')}" stroke-opacity=".18"/>`;
}

function now(): string {
  const x = placeOf(ticks.length);
  const labels = [2, 18, 34, 50].map(
    (index, nth) => `<text x="${placeOf(index)}" y="664">48,213,${331 + nth * 144}</text>`,
  );
  return `${labels.join('')}<path class="now" d="M${x} 449V686"/><rect class="now" x="${(x - 42).toFixed(1)}" y="686" width="84" height="22" rx="4"/><text class="here" x="${x}" y="701">48,213,907</text>`;
}

function tick(index: number, length: number): string {
  return `M${placeOf(index)} ${ground - length}V${ground}`;
}

function placeOf(index: number): number {
  return Math.round((left + index * step) * 10) / 10;
}

/**
 * The look of the console (docs/console.md) in one sheet, since the pages come from another process and work without scripts. The contrast
 * of text is at least 4.5:1, of field borders at least 3:1, in both colour schemes (WCAG 2.2, 1.4.3 and 1.4.11).
 */
export const style = `
:root { color-scheme: light dark;
  --font: system-ui, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif;
  --code: ui-monospace, SFMono-Regular, Menlo, Consolas, 'Noto Sans Mono CJK SC', monospace;
  --paper: light-dark(oklch(0.968 0.006 108), oklch(0.168 0.007 130));
  --sheet: light-dark(oklch(0.995 0.002 108), oklch(0.2 0.008 130));
  --raised: light-dark(oklch(1 0 0), oklch(0.236 0.009 130));
  --hover: light-dark(oklch(0.955 0.007 108), oklch(0.252 0.01 130));
  --line: light-dark(oklch(0.912 0.008 108), oklch(0.285 0.01 130));
  --line-strong: light-dark(oklch(0.845 0.011 108), oklch(0.36 0.012 130));
  --line-control: light-dark(oklch(0.63 0.014 108), oklch(0.585 0.014 130));
  --text: light-dark(oklch(0.235 0.014 128), oklch(0.94 0.008 110));
  --text-2: light-dark(oklch(0.445 0.014 120), oklch(0.765 0.012 112));
  --text-3: light-dark(oklch(0.52 0.014 115), oklch(0.68 0.013 115));
  --accent: light-dark(oklch(0.44 0.098 131), oklch(0.86 0.16 121));
  --accent-fill: light-dark(oklch(0.36 0.078 133), oklch(0.86 0.16 121));
  --accent-fill-hover: light-dark(oklch(0.31 0.068 133), oklch(0.9 0.155 121));
  --on-accent: light-dark(oklch(0.985 0.025 118), oklch(0.2 0.035 128));
  --mark-line: light-dark(oklch(0.79 0.155 121), oklch(0.66 0.14 123));
  --bright: light-dark(oklch(0.865 0.19 119), oklch(0.865 0.185 119));
  --on-bright: light-dark(oklch(0.235 0.04 130), oklch(0.2 0.04 130));
  --focus: light-dark(oklch(0.5 0.135 131), oklch(0.88 0.18 119));
  --danger: light-dark(oklch(0.49 0.175 27), oklch(0.77 0.125 24));
  --danger-wash: light-dark(oklch(0.962 0.016 25), oklch(0.275 0.05 25));
  --danger-line: light-dark(oklch(0.85 0.075 25), oklch(0.43 0.095 25));
  --danger-solid: light-dark(oklch(0.575 0.2 27), oklch(0.66 0.18 26));
  --wall: light-dark(oklch(0.36 0.078 133), oklch(0.168 0.007 130));
  --on-wall: light-dark(oklch(0.985 0.025 118), oklch(0.94 0.008 110)); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.1fr); background: var(--sheet);
  color: var(--text); font: 400 .8125rem/1.25rem var(--font); overflow-wrap: anywhere; -webkit-font-smoothing: antialiased; }
.side { display: flex; flex-direction: column; gap: 2rem; padding: 2rem 2.5rem; }
header { display: flex; align-items: center; gap: .625rem; }
.logo { width: 1.375rem; height: 1.375rem; flex: none; }
.logo .tile { fill: light-dark(var(--text), var(--bright)); }
.logo .m { fill: light-dark(var(--bright), var(--on-bright)); }
.brand { font-size: .9375rem; font-weight: 600; letter-spacing: -.011em; }
.languages { margin-left: auto; display: flex; gap: 1rem; font-size: .75rem; line-height: 1.5rem; }
.languages [aria-current] { color: var(--text-2); }
main { width: 21.25rem; max-width: 100%; margin: auto; }
footer { color: var(--text-3); font-size: .75rem; line-height: 1rem; }
h1 { margin: 0 0 .25rem; font: 600 1.375rem/2rem var(--font); letter-spacing: -.011em; text-wrap: balance; }
p { margin: .25rem 0 0; color: var(--text-2); }
.strong { color: var(--text); }
form { display: grid; gap: 1rem; margin-top: 1.25rem; }
form + form { margin-top: .5rem; }
form + p, form + p + p { margin-top: 1rem; }
.field { display: grid; gap: .375rem; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; font-size: .75rem; line-height: 1rem; color: var(--text-3); }
label { color: var(--text-2); }
.field .note { margin: 0; }
input { width: 100%; min-height: 2.5rem; padding: .375rem .625rem; font: 400 .875rem/1.375rem var(--font); color: inherit;
  background: var(--raised); border: 1px solid var(--line-control); border-radius: 6px; }
input:focus-visible { outline: 2px solid var(--focus); outline-offset: -1px; border-color: transparent; }
input[aria-invalid] { border-color: var(--danger-solid); }
input[aria-invalid]:focus-visible { outline-color: var(--danger-solid); }
button { min-height: 2.5rem; padding: .25rem .75rem; font: 600 .8125rem/1.25rem var(--font); color: var(--on-accent);
  background: var(--accent-fill); border: 1px solid transparent; border-radius: 6px; cursor: pointer; }
button:hover { background: var(--accent-fill-hover); }
button.quiet { font-weight: 400; color: var(--text); background: var(--raised); border-color: var(--line-strong); }
button.quiet:hover { background: var(--hover); }
a { color: var(--accent); text-decoration-color: var(--mark-line); text-underline-offset: 3px; }
a:focus-visible, button:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; border-radius: 6px; }
.problem { margin: 0; color: var(--danger); }
[role=alert] { margin: 1rem 0 0; padding: .625rem .75rem; color: var(--danger); background: var(--danger-wash);
  border: 1px solid var(--danger-line); border-radius: 6px; }
.note { color: var(--text-2); font-size: .75rem; line-height: 1rem; }
ul { margin: .75rem 0 0; padding: 0; list-style: none; border: 1px solid var(--line); border-radius: 8px; }
li { padding: .5rem .75rem; font: 400 .75rem/1.25rem var(--code); }
li + li { border-top: 1px solid var(--line); }
li.plain { font-family: var(--font); }
aside { position: relative; overflow: hidden; display: flex; flex-direction: column; justify-content: space-between; padding: 3rem;
  color: var(--on-wall); background: var(--wall); border-left: 1px solid light-dark(transparent, var(--line)); }
aside svg { position: absolute; inset: 0; width: 100%; height: 100%; stroke: currentColor; stroke-width: 2.5; }
aside text { fill: currentColor; fill-opacity: .75; stroke: none; font: 400 .6875rem/1rem var(--font); font-variant-numeric: tabular-nums; }
aside path.now { stroke: var(--bright); stroke-width: 3.5; }
aside rect.now { fill: var(--bright); stroke: none; }
aside text.here { fill: var(--on-bright); fill-opacity: 1; font-weight: 600; text-anchor: middle; }
aside p { position: relative; margin: 0; color: inherit; }
.say { max-width: 11em; font: 500 2.5rem/3rem var(--font); letter-spacing: -.022em; text-wrap: balance; }
:lang(zh) body, body:lang(zh) { line-height: 1.375rem; }
:lang(zh) :is(.say, h1, .brand) { letter-spacing: 0; }
:lang(zh) .say { max-width: 7em; }
@media (max-width: 45em) {
  body { grid-template-columns: minmax(0, 1fr); }
  aside { display: none; }
  .side { padding: 1.25rem; min-height: 100vh; }
  main { width: auto; margin: 1rem 0 auto; }
}
@media (pointer: coarse) { input, button { min-height: 2.75rem; } .languages a, p a { padding-block: .25rem; } }
@media (prefers-contrast: more) { :root { --line: var(--line-control); --line-strong: var(--text-2); --text-2: var(--text); --text-3: var(--text); } }
@media (forced-colors: active) { button, ul, [role=alert] { border-color: CanvasText; } }
`;
