import { createRandom } from '@beit/random';
import { createVit } from '@beit/vit';
import { scalar } from '@beit/weights';
import { createSegmenter, fromMmsegmentation, toMmsegmentation } from '../src';

test('names of mmsegmentation and back', () => {
  const backbone = createVit({ imageSize: 8, patchSize: 4, embedDim: 8, depth: 1, numHeads: 2 });
  const segmenter = createSegmenter({
    backbone,
    numClasses: 2,
    head: { kind: 'setr-pup', channels: 4, numConvs: 2, auxiliary: [{ block: 0 }] },
  });
  const params = segmenter.init(createRandom(0));
  const named = toMmsegmentation(params);
  expect(Object.keys(named)).toEqual(
    expect.arrayContaining([
      'backbone.blocks.0.attn.qkv.weight',
      'decode_head.up_convs.0.0.conv.weight',
      'auxiliary_head.0.conv_seg.bias',
    ]),
  );
  const count = { 'decode_head.up_convs.0.0.bn.num_batches_tracked': scalar(3) };
  expect(fromMmsegmentation({ ...named, ...count })).toEqual(params);
});
