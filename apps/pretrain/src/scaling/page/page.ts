import { gibibytes, millions } from '@beit/cli';
import { machineLine } from '@beit/measurements';
import { type PaperPlan, REPORTED } from '../model/paper';
import { rateText, timeText } from '../units';
import type { ScalingReport } from './report';
import { checkTable, largestError, networkTable, paperTable, predictionTable } from './tables';

const gigaflops = (flops: number): string => `${Number((flops / 1e9).toPrecision(4))} GFLOP`;

/** What was planned, in a sentence or two. */
function taskText(report: ScalingReport): string {
  const { recipe, parameters, task, images, trainFlops, tokenizeFlops, engine, imagesPerSecond } = report;
  const computing =
    imagesPerSecond === undefined
      ? `Engine: ${engine}.`
      : `A rank trains on ${Number(imagesPerSecond.toPrecision(4))} images a second, as was said, not measured.`;
  const tokenizer = tokenizeFlops > 0 ? `, and ${gigaflops(tokenizeFlops)} of the tokenizer` : '';
  return (
    `Recipe ${recipe}, stage 2: ${millions(parameters)} parameters, ${task.steps} steps of ${task.batchSize} images ` +
    `(${images} in an epoch), ${gigaflops(trainFlops)} an image${tokenizer}. ${computing}`
  );
}

const LEFT_OUT =
  'Not in the prediction: waiting for the slowest rank, which is measured together with all-reduce; that ranks which ' +
  'train together are all at the same part of a step, while those that are measured side by side are not; and whatever ' +
  'else the machine does. With another program on it the quartiles lie far apart, and errors are as large as they.';

/** For the terminal and for the page. */
export function reportText(report: ScalingReport): string {
  const { networks, rows } = report;
  const check = checkTable(report);
  const worst = largestError(rows);
  return [
    taskText(report),
    `\n${predictionTable(report)}`,
    ...(networks.length > 0
      ? [`\nAll-reduce, fitted to a ring (${networks[0]!.library}):\n\n${networkTable(report)}`]
      : []),
    ...(worst
      ? [
          `\nPredicted, and measured in jobs that really trained:\n\n${check}`,
          `\nThe largest error is ${Math.abs(100 * worst.error).toFixed(0)} %, with ${worst.ranks} ${worst.ranks === 1 ? 'rank' : 'ranks'}. ${LEFT_OUT}`,
        ]
      : []),
  ].join('\n');
}

function paperText(paper: PaperPlan): string {
  const { counts, task, peak, latency, copyBandwidth, reported, memory } = paper;
  const share = `${(100 * reported.shareOfPeak).toFixed(0)} %`;
  return `BEiT-B/16, ${task.steps} steps of ${task.batchSize} images, on ${REPORTED.gpus} V100 with ${REPORTED.memoryGiB} GB. **Reported** by the paper: about ${REPORTED.days} days. **Counted** from our traced programs: ${gigaflops(counts.trainFlops)} an image for forward and backward pass, ${gigaflops(counts.tokenizeFlops)} for DALL-E's tokenizer, which the released code runs in every step too. So ${REPORTED.days} days are ${Number(reported.imagesPerSecond.toPrecision(3))} images a second of a GPU, ${share} of the ${peak / 1e12} TFLOP a second of its tensor cores. All else is **predicted** from what is **assumed**: the share of that peak and the bandwidth of the table, ${timeText(latency)} a message, ${rateText(copyBandwidth)} between a GPU and its host (PCIe 3.0 x16), data that are never waited for.

${paperTable(paper)}

Efficiency is that of ${REPORTED.gpus} GPUs with the paper's batch against one. Memory of a GPU, counted in float32 with micro-batches of ${task.microBatchSize}: ${gibibytes(memory.total)}, of which ${gibibytes(memory.activations)} are intermediate results, ${gibibytes(memory.parameters)} parameters, ${gibibytes(memory.gradients)} gradients, ${gibibytes(memory.moments)} the optimizer's moments and ${gibibytes(memory.exchange)} what is sent (on the host).`;
}

/** The page of results. */
export const scalingPage = (report: ScalingReport): string => `# Many processes: predicted and measured

\`${report.command}\`, on ${machineLine(report.machine)}. How it is predicted: [docs/scaling.md](../scaling.md).

![Steps by ranks, and days of the paper's run by GPUs](scaling.svg)

## ${report.imagesPerSecond === undefined ? 'On this machine' : 'On devices that are not here'}

${reportText(report)}
${
  report.paper
    ? `
## The paper's run

${paperText(report.paper)}
`
    : ''
}`;
