import { hloCounts } from './hloCounts';

const MODULE = `HloModule jit_step, is_scheduled=true, entry_computation_layout={(f32[2,3]{1,0})->f32[2,2]{1,0}}

FileLocations
1 {file_name_id=1 function_name_id=1 line=6 end_line=6 column=2 end_column=73}

%add (a: f32[], b: f32[]) -> f32[] {
  %a = f32[] parameter(0)
  %b = f32[] parameter(1)
  ROOT %sum = f32[] add(%a, %b)
}

%fused_computation (param_0: bf16[2,3], param_1: bf16[3,2]) -> f32[2,2] {
  %param_0 = bf16[2,3]{1,0} parameter(0)
  %param_1 = bf16[3,2]{1,0} parameter(1)
  ROOT %dot.1 = f32[2,2]{1,0} dot(%param_0, %param_1), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}

%fused_computation.1 (param_0.1: f32[2,3]) -> (bf16[2,3], f32[3,2]) {
  %param_0.1 = f32[2,3]{1,0} parameter(0)
  %convert.1 = bf16[2,3]{1,0} convert(%param_0.1), metadata={op_name="jit(step)/convert(f32)"}
  %transpose.1 = f32[3,2]{0,1} transpose(%param_0.1), dimensions={1,0}
  ROOT %tuple.1 = (bf16[2,3]{1,0}, f32[3,2]{0,1}) tuple(%convert.1, %transpose.1)
}

%body (state: (s32[], f32[2,2])) -> (s32[], f32[2,2]) {
  %state = (s32[], f32[2,2]{1,0}) parameter(0)
  %i = s32[] get-tuple-element(%state), index=0
  %x.1 = f32[2,2]{1,0} get-tuple-element(%state), index=1
  %y.1 = f32[2,2]{1,0} dot(%x.1, %x.1), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  ROOT %next = (s32[], /*index=1*/ f32[2,2]{1,0}) tuple(%i, %y.1)
}

%condition (state.1: (s32[], f32[2,2])) -> pred[] {
  %state.1 = (s32[], f32[2,2]{1,0}) parameter(0)
  ROOT %more = pred[] custom-call(%state.1), custom_call_target="More"
}

ENTRY %main.2 (x: f32[2,3]) -> f32[2,2] {
  %x = f32[2,3]{1,0} parameter(0)
  %zero = f32[] constant(0)
  %pair = (bf16[2,3]{1,0}, f32[3,2]{0,1}) fusion(%x), kind=kLoop, calls=%fused_computation.1
  %left = bf16[2,3]{1,0} get-tuple-element(%pair), index=0
  %right = bf16[3,2]{1,0} bitcast(%left)
  %ynn_fusion = f32[2,2]{1,0} fusion(%left, %right), kind=kCustom, calls=%fused_computation, backend_config={"fusion_config":{"kind":"__ynn_fusion"},"outer_dimension_partitions":[]}
  %sums = f32[2]{0} reduce(%ynn_fusion, %zero), dimensions={1}, to_apply=%add
  %begin = (s32[], f32[2,2]{1,0}) copy(%pair)
  ROOT %loop = (s32[], f32[2,2]{1,0}) while(%begin), condition=%condition, body=%body
}
`;

test('counts what is run, what is inside of fusions, and products by type', () => {
  expect(hloCounts(MODULE)).toEqual({
    run: { fusion: 2, reduce: 1, copy: 1, while: 1, 'custom-call': 1, dot: 1 },
    fused: { dot: 1, convert: 1, transpose: 1 },
    dots: { bf16: 1, f32: 1 },
    libraryFusions: { __ynn_fusion: 1 },
  });
});

test('names may be without the percent sign', () => {
  expect(hloCounts(MODULE.replaceAll('%', ''))).toEqual(hloCounts(MODULE));
});

test('other text is refused', () => {
  expect(() => hloCounts('module @jit_step {}')).toThrow('no entry computation');
});
