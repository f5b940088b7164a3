import type { CompileOptions } from './compileOptions';
import type { Engines, MakePrograms } from './engines/engine';
import type { EngineName } from './types';

/** Which engine takes programs with some options, and why. */
export interface EngineChoice {
  readonly engine: EngineName;
  /** The engine in words: which version, on what. */
  readonly about: string;
  /** Engines that would be faster, and why they are not taken. */
  readonly passedOver: readonly { readonly engine: string; readonly why: string }[];
}

/** The choice, with what makes the programs of a compiled engine; why others are passed over takes time to find out. */
export interface ChosenEngine extends Omit<EngineChoice, 'passedOver'> {
  readonly make?: MakePrograms;
  readonly passedOver: readonly { readonly engine: string; readonly why: () => Promise<string> }[];
}

/** The choice in words. */
export async function explainedChoice({ engine, about, passedOver }: ChosenEngine): Promise<EngineChoice> {
  const reasons: { engine: string; why: string }[] = [];
  for (const other of passedOver) reasons.push({ engine: other.engine, why: await other.why() });
  return { engine, about, passedOver: reasons };
}

/**
 * The engine that is named, or, with `auto`, the first that is there and has the precision and the device.
 *
 * @throws for what is unknown, a named engine that is not installed, and a precision or device that no engine here has
 */
export async function chooseAmong(
  { compiled, eager }: Engines,
  options: CompileOptions,
): Promise<ChosenEngine> {
  const { engine = 'auto', precision = 'fp32', device, numThreads } = options;
  const names = ['auto', ...Object.keys(compiled), ...Object.keys(eager), 'tfjs'];
  if (!names.includes(engine)) {
    throw new Error(`There is no engine '${engine}' here. Engines: ${names.join(', ')}.`);
  }
  if (precision !== 'fp32' && precision !== 'tf32' && precision !== 'bf16') {
    throw new Error(`There is no precision '${precision}'. Precisions: fp32, tf32, bf16.`);
  }
  if (numThreads !== undefined && !(Number.isSafeInteger(numThreads) && numThreads > 0)) {
    throw new RangeError(`numThreads is ${numThreads}; expected a whole number above 0.`);
  }
  const passedOver: { engine: string; why: () => Promise<string> }[] = [];
  for (const [name, { find, install, precisions, devices }] of Object.entries(compiled)) {
    if (engine !== 'auto' && engine !== name) continue;
    const passOver = (why: string | (() => Promise<string>)) =>
      void passedOver.push({ engine: name, why: typeof why === 'string' ? async () => why : why });
    if (!precisions.includes(precision)) {
      passOver(`it has no precision '${precision}'`);
      continue;
    }
    if (device !== undefined && !devices.includes(device)) {
      if (engine === name) {
        throw new Error(`The engine '${name}' has no device '${device}'. Devices: ${devices.join(', ')}.`);
      }
      passOver(`it has no device '${device}'`);
      continue;
    }
    const found = await find(options);
    if (found && 'make' in found) return { engine: name as EngineName, passedOver, ...found };
    if (engine === name) {
      throw new Error(
        found
          ? `The engine '${name}' can't be used: ${await found.why()}`
          : `The engine '${name}' needs ${install}`,
      );
    }
    passOver(found ? found.why : 'it is not installed');
  }
  if (precision !== 'fp32') {
    const able = Object.entries(compiled).filter(([, { precisions }]) => precisions.includes(precision));
    const how = able.map(([name, { install }]) => `'${name}', that is ${install}`).join(', or ');
    throw new Error(
      `The engine '${engine}' has no precision '${precision}' here: it needs ${how || "'openvino', which runs in Node"}`,
    );
  }
  if (device !== undefined && device !== 'cpu') {
    throw new Error(`No engine that can be used here has the device '${device}'.`);
  }
  const eagerEngine = engine === 'auto' ? 'tfjs' : engine;
  return { engine: eagerEngine, about: `${eagerEngine}, op by op`, passedOver };
}
