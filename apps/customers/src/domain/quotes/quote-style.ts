/** The look of a quote, besides that of all public pages: a letter whose figures stand in one column. */
export const quoteStyle = `
.head { display: flex; justify-content: space-between; gap: 1.5rem 3rem; margin-bottom: 3rem; }
address { font-style: normal; white-space: pre-line; color: var(--text-2); }
address::first-line { color: var(--text); font-weight: 600; }
dl { display: grid; grid-template-columns: auto auto; gap: .125rem 1.25rem; margin: 0; align-content: start; }
dt { color: var(--text-2); }
dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
.kind { display: block; margin-bottom: .25rem; font: 400 .875rem/1.25rem var(--font); letter-spacing: 0; color: var(--text-2); }
.accepted, .note { margin: 1rem 0 0; padding: .625rem .75rem; background: var(--mark); border: 1px solid var(--mark-line); border-radius: 6px; }
.note { margin: 0 0 2rem; }
table { width: 100%; margin-top: 2rem; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { padding: .5rem 0; font: 400 .75rem/1rem var(--font); text-align: left; color: var(--text-2); border-bottom: 1px solid var(--line-strong); }
td { padding: .75rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
td + td, th + th { padding-left: 1.25rem; }
th.figure, td.figure { text-align: right; white-space: nowrap; }
td small { display: block; font-size: .75rem; color: var(--text-2); }
.amount { font-weight: 600; }
.totals { width: max-content; max-width: 100%; margin: 1.5rem 0 0 auto; gap: .25rem 0; }
.totals dd { padding-left: 2rem; }
.totals .sum { padding-top: .75rem; margin-top: .5rem; border-top: 1px solid var(--text); color: var(--text); line-height: 2rem; }
dd.sum { font: 500 1.625rem/2rem var(--font); letter-spacing: -.022em; white-space: nowrap; }
.terms p { white-space: pre-line; color: var(--text-2); }
.answer { display: grid; gap: 1rem; margin-top: 3rem; padding-top: 2rem; border-top: 1px solid var(--line); }
.answer form { display: grid; gap: 1rem; }
.answer p { margin: 0; }
.answer button { justify-self: start; }
.answer [role=alert] { justify-self: start; }
summary { width: max-content; padding: .375rem 0; color: var(--text-2); cursor: pointer; }
details[open] summary { margin-bottom: .5rem; }
@media (max-width: 45em) {
  .head { flex-direction: column; margin-bottom: 2rem; }
  .head dl { grid-template-columns: max-content 1fr; }
  .head dd { text-align: left; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; }
  tr { display: flex; flex-wrap: wrap; gap: .125rem .5rem; padding: .75rem 0; border-bottom: 1px solid var(--line); }
  td { display: block; padding: 0; border: 0; }
  td + td { padding: 0; }
  td.what { flex: 1 0 100%; }
  td.figure:not(.amount) { color: var(--text-2); font-size: .75rem; line-height: 1.375rem; }
  td:nth-child(3)::before { content: '× '; }
  td:nth-child(4)::before { content: '· '; }
  td.amount { margin-left: auto; }
  .totals { width: 100%; grid-template-columns: 1fr auto; }
  .answer button { width: 100%; }
}
@media print { table { break-inside: auto; } tr, .totals, .accepted { break-inside: avoid; } .accepted { background: none; } .answer, .note { display: none; } }
`;
