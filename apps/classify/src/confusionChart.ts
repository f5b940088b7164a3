import { confusedPairs } from '@beit/classification';
import { escapeHtml, svgFrame } from '@beit/report';

const SIZE = 560;
/** Names of more classes than these would be too small to read. */
const MOST_NAMED = 60;
const NAME_WIDTH = 170;

/**
 * A confusion matrix as SVG: a row for each class, its cells darker the more of its images are taken for the column's
 * class. Mistakes are in another colour than the diagonal.
 */
export function confusionChart(
  id: string,
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
): string {
  const count = classes.length;
  const named = count <= MOST_NAMED;
  const left = named ? NAME_WIDTH : 24;
  const cell = SIZE / count;
  const at = (index: number) => Math.round(index * cell * 100) / 100;
  const cells = confusion.flatMap((row, label) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((images, prediction) => {
      if (images === 0) return '';
      const tip = `${classes[label]}: ${images} of ${total} taken for ${classes[prediction]}`;
      const kind = label === prediction ? 'right' : 'wrong';
      return (
        `<rect class="${kind}" x="${left + at(prediction)}" y="${at(label)}" width="${at(1)}" height="${at(1)}" ` +
        `fill-opacity="${(0.15 + (0.85 * images) / total).toFixed(2)}"><title>${escapeHtml(tip)}</title></rect>`
      );
    });
  });
  const size = Math.min(11, Math.max(6, cell * 0.8));
  const names = named
    ? classes.map((name, label) => {
        const y = at(label) + cell / 2 + size / 3;
        return `<text class="label" font-size="${size}" style="font-size:${size}px" x="${left - 6}" y="${y.toFixed(2)}" text-anchor="end">${escapeHtml(name.slice(0, 28))}</text>`;
      })
    : [];
  const frame = `<rect class="matrix" x="${left}" y="0" width="${SIZE}" height="${SIZE}"/>`;
  const axis =
    `<text class="tick" x="${left + SIZE / 2}" y="${SIZE + 18}" text-anchor="middle">predicted, in the same order</text>` +
    (named ? '' : `<text class="tick" x="${left - 8}" y="12" text-anchor="end">true</text>`);
  return svgFrame(
    {
      id,
      width: left + SIZE,
      height: SIZE + 26,
      title: 'Confusion matrix: rows are true classes, columns predictions',
      description: describe(confusion, classes),
    },
    frame + cells.join('') + names.join('') + axis,
  );
}

function describe(confusion: readonly (readonly number[])[], classes: readonly string[]): string {
  const wrong = confusedPairs(confusion, 5).map(
    ({ images, label, prediction }) => `${images} of ${classes[label]} for ${classes[prediction]}`,
  );
  return wrong.length > 0
    ? `Taken most often: ${wrong.join('; ')}.`
    : 'No image was taken for another class.';
}
