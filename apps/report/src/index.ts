export { contactSheet } from './contactSheet';
export { countParameters } from './countParameters';
export { evenlySpread } from './evenlySpread';
export { formatNumber, formatSeconds } from './formatNumber';
export { escapeHtml } from './html';
export { type ChartPoint, type ChartSeries, type LineChart, lineChart } from './lineChart';
export { type PixelScale, pictureOf } from './pictureOf';
export { drawHeatMap, drawMask, drawQueryPoint, encodePng, type GridSize, pictureUri } from './pictures';
export { type Page, renderPage } from './renderPage';
export type { MetricsPoint, NextStep, Picture, StageReport, SummaryRow } from './reportData';
export { type RunOutcome, runFacts, trainingSection } from './runReport';
export {
  facts,
  figure,
  filesSection,
  nextSection,
  recipeSection,
  stageSection,
  summaryTable,
  table,
} from './sections';
export { standaloneSvg } from './standaloneSvg';
export { axes, coordinate, type PlotArea, svgFrame } from './svgChart';
export { niceTicks } from './ticks';
