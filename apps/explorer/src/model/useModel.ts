import { messageOf } from '@beit/tensors';
import * as comlink from 'comlink';
import { useCallback, useEffect, useState } from 'react';
import { fetchBundle, fetched } from '../bundle';
import type { ModelFacts } from './explorerModel';
import type { ModelFile, ModelWorker } from './worker';

/** A model that is open. */
export interface OpenModel {
  /** Another one for every model that was opened. */
  readonly id: number;
  readonly name: string;
  readonly facts: ModelFacts;
  readonly worker: comlink.Remote<ModelWorker>;
}

export interface Models {
  readonly model?: OpenModel;
  readonly error?: string;
  readonly clearError: () => void;
  /** Opens files in place of the model before, which stays where they are no good. */
  readonly open: (encoder: ModelFile, tokenizer?: ModelFile) => Promise<void>;
}

const NAME = 'BEiT of the embedded emoji';

// One for the whole page, and begun with it.
const worker = comlink.wrap<ModelWorker>(
  new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
);

/** The model that comes with the page, then those that are opened. */
export function useModel(): Models {
  const [model, setModel] = useState<OpenModel>();
  const [error, setError] = useState<string>();
  const clearError = useCallback(() => setError(undefined), []);

  const open = useCallback(async (encoder: ModelFile, tokenizer?: ModelFile) => {
    try {
      const facts = await worker.open(encoder, tokenizer);
      setModel((before) => ({ id: (before?.id ?? 0) + 1, name: encoder.name, facts, worker }));
      setError(undefined);
    } catch (cause) {
      setError(messageOf(cause));
    }
  }, []);

  useEffect(() => {
    let isWanted = true;
    const bundled = async () => {
      const bundle = await fetchBundle();
      const file = async (path: string) => new Uint8Array(await (await fetched(path)).arrayBuffer());
      const [encoder, tokenizer] = await Promise.all([file(bundle.model), file(bundle.tokenizer)]);
      if (isWanted) await open({ name: NAME, bytes: encoder }, { name: bundle.tokenizer, bytes: tokenizer });
    };
    bundled().catch((cause) => setError(messageOf(cause)));
    return () => {
      isWanted = false;
    };
  }, [open]);

  return { model, error, clearError, open };
}
