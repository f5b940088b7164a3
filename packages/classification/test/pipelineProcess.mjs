// Classifies pictures with transformers.js, with no network, on the JSON of stdin: { folder, pictures: [[width, height,
// bytes]] }. Tests run in a sandbox without `import()`, which transformers.js needs.
import { basename, dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { env, pipeline, RawImage } from '@huggingface/transformers';

const { folder, pictures } = JSON.parse(await text(process.stdin));
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const classify = await pipeline('image-classification', basename(folder));
const images = pictures.map(
  ([width, height, bytes]) => new RawImage(Uint8ClampedArray.from(bytes), width, height, 3),
);
console.log(JSON.stringify(await classify(images, { top_k: null })));
