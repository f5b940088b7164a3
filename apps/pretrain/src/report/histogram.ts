import { axes, coordinate, escapeHtml, formatNumber, niceTicks, type PlotArea, svgFrame } from '@beit/report';

export interface CodeUsage {
  /** Tokens that there are. */
  readonly vocabulary: number;
  /** Tokens used at least once. */
  readonly used: number;
  /** exp(entropy) of the use: how many tokens, used equally often, would be as varied; in `[1, used]`, or 0 without any use. */
  readonly perplexity: number;
  readonly total: number;
}

/** Use and perplexity of a codebook from `counts` `[vocabulary]`; entries that are not above 0 count as unused. */
export function codeUsage(counts: Float64Array): CodeUsage {
  const positive = Array.from(counts).filter((count) => count > 0 && Number.isFinite(count));
  const total = positive.reduce((sum, count) => sum + count, 0);
  const entropy = positive.reduce((sum, count) => sum - (count / total) * Math.log(count / total), 0);
  const perplexity = total > 0 ? Math.exp(entropy) : 0;
  return { vocabulary: counts.length, used: positive.length, perplexity, total };
}

const width = 760;
const height = 260;
const area: PlotArea = { left: 58, top: 22, right: 744, bottom: 214 };
// Large vocabularies are drawn as means over neighbouring ranks; more bars than this are thinner than a pixel.
const maxBars = 512;

/** How often each token is used, most used first, as SVG; dashed lines for equal use and for the perplexity. */
export function codeHistogram(id: string, counts: Float64Array): string {
  const usage = codeUsage(counts);
  const title = 'Use of the visual tokens on held-out images, most used first';
  if (usage.total === 0) {
    const middle = `x="${coordinate((area.left + area.right) / 2)}" y="${coordinate((area.top + area.bottom) / 2)}"`;
    const text = `<text class="tick" ${middle} text-anchor="middle">no tokens were counted</text>`;
    return svgFrame({ id, width, height, title, description: 'No tokens were counted.' }, text);
  }

  const shares = Array.from(counts, (count) =>
    count > 0 && Number.isFinite(count) ? count / usage.total : 0,
  );
  const sorted = shares.sort((a, b) => b - a);
  const bars = binned(sorted, maxBars);
  const top = bars[0]!.share * 1.06;
  const x = (rank: number) => area.left + (rank / usage.vocabulary) * (area.right - area.left);
  const y = (share: number) => area.bottom - (share / top) * (area.bottom - area.top);
  const outline = bars.map(
    ({ from, to, share }) => `L${coordinate(x(from))} ${coordinate(y(share))}H${coordinate(x(to))}`,
  );
  const shape = `<path class="bars" d="M${area.left} ${area.bottom}${outline.join('')}V${area.bottom}Z"/>`;

  const equal = coordinate(y(1 / usage.vocabulary));
  const equalLine =
    `<path class="reference" d="M${area.left} ${equal}H${area.right}"/>` +
    `<text class="label halo" x="${area.right}" y="${coordinate(Number(equal) - 6)}" text-anchor="end">equal use</text>`;
  const at = x(usage.perplexity);
  const left = at > (area.left + area.right) / 2;
  const perplexityLine =
    `<path class="reference" d="M${coordinate(at)} ${area.bottom}V${area.top}"/>` +
    `<text class="label halo" x="${coordinate(at + (left ? -6 : 6))}" y="${area.top + 10}" text-anchor="${left ? 'end' : 'start'}">` +
    `${escapeHtml(`perplexity ${formatNumber(usage.perplexity, 3)}`)}</text>`;
  const scales = axes({
    area,
    x,
    y,
    xTicks: niceTicks(0, usage.vocabulary, 8).filter(Number.isInteger),
    yTicks: niceTicks(0, top, 4),
    xLabel: 'rank of the token',
    formatY: (share) => `${formatNumber(share * 100, 3)} %`,
  });
  const description =
    `${usage.used} of ${usage.vocabulary} tokens are used at least once; the perplexity is ` +
    `${formatNumber(usage.perplexity)}; the most used token has ${formatNumber(sorted[0]! * 100, 3)} % of all uses.`;
  return svgFrame({ id, width, height, title, description }, scales + shape + equalLine + perplexityLine);
}

function binned(sorted: readonly number[], maxBins: number): { from: number; to: number; share: number }[] {
  const size = Math.ceil(sorted.length / maxBins);
  return Array.from({ length: Math.ceil(sorted.length / size) }, (_, i) => {
    const part = sorted.slice(i * size, (i + 1) * size);
    const share = part.reduce((sum, value) => sum + value, 0) / part.length;
    return { from: i * size, to: i * size + part.length, share };
  });
}
