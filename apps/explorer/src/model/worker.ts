/** The thread that the model lives in: the page stays responsive while it computes. */
import * as comlink from 'comlink';
import { createExplorerModel, type ExplorerModel, type ModelFacts, type ModelPicture } from './explorerModel';
import { warmUp } from './openSession';
import { readEncoder, readTokenizer } from './readModel';

export interface ModelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

// What goes wrong is told when a model is opened.
warmUp().catch(() => {});

let model: ExplorerModel | undefined;

const current = (): ExplorerModel => {
  if (!model) throw new Error('There is no model yet.');
  return model;
};

const api = {
  /** Takes the place of the model before, if the files are good. */
  async open(encoder: ModelFile, tokenizer?: ModelFile): Promise<ModelFacts> {
    const next = createExplorerModel(
      readEncoder(encoder.bytes, encoder.name),
      tokenizer && readTokenizer(tokenizer.bytes, tokenizer.name),
    );
    await model?.dispose();
    model = next;
    return next.facts;
  },
  attention: (picture: ModelPicture) => current().attention(picture),
  tokens: (picture: ModelPicture) => current().tokens(picture),
  fillIn: (picture: ModelPicture, mask: Uint8Array, rounds: number) =>
    current().fillIn(picture, mask, rounds),
  codebook: () => current().codebook(),
  tokenPictures: (tokens: Int32Array) => current().tokenPictures(tokens),
};

export type ModelWorker = typeof api;
comlink.expose(api);
