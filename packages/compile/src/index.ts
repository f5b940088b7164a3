export { availableEngines, compile } from './compile';
export * from './portable';
