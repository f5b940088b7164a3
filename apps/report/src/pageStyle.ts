import { viridis } from './colorMap';

const lightColors = `
  --paper: #fdfdfc; --panel: #f5f5f2; --ink: #1d1f21; --soft: #5b6065; --rule: #dfdfda;
  --blue: #0072b2; --vermilion: #d55e00; --green: #009e73; --purple: #b4568f; --bars: #7fb2d2;
  color-scheme: light;`;
const darkColors = `
  --paper: #16181a; --panel: #1f2225; --ink: #e7e8e6; --soft: #a5abb0; --rule: #363b40;
  --blue: #56b4e9; --vermilion: #e69f00; --green: #2bc79b; --purple: #cc79a7; --bars: #3f7da3;
  color-scheme: dark;`;

/**
 * The style sheet of the report: system fonts, light and dark. Series take the Okabe-Ito palette (Okabe and Ito, "Color
 * Universal Design", 2008), in the dark its lighter members, and differ in dashes and dots too.
 */
export const pageStyle = `
:root {${lightColors} }
@media (prefers-color-scheme: dark) { :root {${darkColors} } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 72rem; padding: clamp(1.25rem, 5vw, 4rem) clamp(1rem, 4vw, 2.5rem) 5rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1 { font-size: clamp(1.7rem, 5vw, 2.4rem); line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; margin: 0 0 0.6rem; }
h2 { font-size: 1.35rem; font-weight: 620; letter-spacing: -0.01em; margin: 4rem 0 0.4rem; }
h3 { font-size: 1.02rem; font-weight: 620; margin: 2rem 0 0.6rem; }
p { max-width: 44rem; margin: 0.5rem 0 1rem; }
.soft, figcaption, .note { color: var(--soft); }
.facts { display: flex; flex-wrap: wrap; gap: 0.3rem 1.6rem; margin: 0.8rem 0 1.6rem; padding: 0; list-style: none; color: var(--soft); font-size: 0.92rem; }
.facts b { color: var(--ink); font-weight: 600; font-variant-numeric: tabular-nums; }
nav { display: flex; flex-wrap: wrap; gap: 0.2rem 1.2rem; padding: 0.7rem 0; border-block: 1px solid var(--rule); font-size: 0.92rem; }
a { color: var(--blue); text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 2px solid var(--blue); outline-offset: 3px; }

.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.94rem; }
th, td { text-align: left; vertical-align: top; padding: 0.6rem clamp(0.7rem, 3vw, 2rem) 0.6rem 0; border-bottom: 1px solid var(--rule); }
thead th { color: var(--soft); font-weight: 500; font-size: 0.85rem; }
tbody th { font-weight: 500; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
td.number { font-weight: 600; }
td.baseline { font-weight: 400; color: var(--soft); }
.note { display: block; font-weight: 400; font-size: 0.86rem; line-height: 1.45; max-width: 40rem; }
.symbol { font-family: ui-serif, Georgia, Cambria, serif; font-style: italic; white-space: nowrap; }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.6rem 1.8rem; margin: 1.4rem 0; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: 0.86rem; line-height: 1.45; }
.charts figcaption { color: var(--ink); font-weight: 550; margin-bottom: 0.35rem; }
.chart { display: block; width: 100%; height: auto; overflow: visible; font-family: inherit; }
.wide { max-width: 52rem; margin: 1.4rem 0; }
.grid { stroke: var(--rule); stroke-width: 0.8; }
.axis { stroke: var(--soft); stroke-width: 0.8; }
.tick { fill: var(--soft); font-size: 11px; }
.label { fill: var(--ink); font-size: 11px; }
.label.value { fill: var(--soft); font-variant-numeric: tabular-nums; }
.halo { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.series path { fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.band { fill: currentColor; opacity: 0.15; }
.series circle { fill: currentColor; stroke: var(--paper); stroke-width: 0.8; }
.series.dots path { stroke-dasharray: 4 3; stroke-width: 1.2; }
.series-1 { color: var(--blue); } .series-2 { color: var(--vermilion); }
.series-3 { color: var(--green); } .series-4 { color: var(--purple); }
.bars { fill: var(--bars); }
.reference { fill: none; stroke: var(--vermilion); stroke-width: 1.3; stroke-dasharray: 5 3; }
.matrix { fill: none; stroke: var(--rule); }
.right { fill: var(--blue); } .wrong { fill: var(--vermilion); }

img { display: block; width: 100%; height: auto; border-radius: 3px; background: var(--panel); }
.pixels { image-rendering: pixelated; }
.example { margin: 1.2rem 0 1.8rem; }
.example > .pictures { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 0.5rem clamp(0.4rem, 1.2vw, 1rem); }
.answers { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 1rem; }
.answers figcaption { margin-top: 0.3rem; }
.example h3 { margin: 0 0 0.5rem; }
.example h3 span { font-weight: 400; color: var(--soft); }
.example, .point { break-inside: avoid; }
.pictures figcaption { margin-top: 0.3rem; }
.point { display: grid; grid-template-columns: minmax(7rem, 10rem) 1fr; gap: 0.8rem 1.6rem; margin: 1rem 0 1.8rem; align-items: start; }
.marked { position: relative; }
.marked i { position: absolute; outline: 2px solid #fff; box-shadow: 0 0 0 3.5px #000; border-radius: 1px; }
.heads { display: grid; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: 0.7rem; }
.scale { display: flex; align-items: center; gap: 0.6rem; font-size: 0.86rem; color: var(--soft); }
.scale i { width: 10rem; height: 0.7rem; border-radius: 2px; background: linear-gradient(to right, ${viridis.join(', ')}); }
pre { margin: 0.4rem 0 1.4rem; padding: 0.9rem 1.1rem; background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; overflow-x: auto; font: 0.88rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre.command { user-select: all; -webkit-user-select: all; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: 1rem 0; }
summary { cursor: pointer; }
@media (max-width: 40rem) {
  .example > .pictures { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .point { grid-template-columns: 1fr; }
  .point > figure { max-width: 8rem; }
  .heads { grid-template-columns: repeat(auto-fill, minmax(4.6rem, 1fr)); }
}
@media print { body { max-width: none; } nav { display: none; } }
`;
