import { gpuCounts } from './gpuCounts';

const MODULE = `HloModule jit_step, is_scheduled=true

%fused (p: f32[4]) -> f32[4] {
  %p = f32[4]{0} parameter(0)
  ROOT %e = f32[4]{0} exponential(%p)
}

ENTRY %main (x: f32[2,3], w: f32[3,4]) -> (f32[2,4], f32[]) {
  %x = f32[2,3]{1,0} parameter(0)
  %w = f32[3,4]{1,0} parameter(1)
  %product = (f32[2,4]{1,0}, s8[100]{0}) custom-call(%x, %w), custom_call_target="__cublas$lt$matmul"
  %first = f32[2,4]{1,0} get-tuple-element(%product), index=0
  %e = bf16[2,4]{1,0} fusion(%first), kind=kLoop, calls=%fused
  ROOT %all = (bf16[2,4]{1,0}, f32[]) tuple(%e, %e)
}
`;

test('kernels, and what they write', () => {
  expect(gpuCounts(MODULE)).toEqual({ products: 1, others: 1, bytesWritten: 2 * 4 * 4 + 100 + 2 * 4 * 2 });
});
test('what is no module', () => {
  expect(() => gpuCounts('nothing')).toThrow('no HLO module');
});
