// The kernels for processors with AVX2, FMA and F16C; CMakeLists.txt gives this file its flags.
#include "tensor/kernels/vec_avx2.h"
// The lanes come first: the bodies are written over them.
#include "tensor/kernels/attention_body.h"
#include "tensor/kernels/panel_body.h"

namespace hearth::kernels {

const KernelTable kernels_avx2 = {
    .panels = kPanelKernels,
    .f32_rows = rows<Element::f32>,
    .f16_rows = rows<Element::f16>,
    .bf16_rows = rows<Element::bf16>,
    .f32_columns = take_columns<Element::f32>,
    .f16_columns = take_columns<Element::f16>,
    .bf16_columns = take_columns<Element::bf16>,
    .column_width = kColumnWidth,
    .columns = ::columns,
    .curve = ::curve,
    .quantize = ::quantize,
    .rms_norm = ::rms_norm,
    .layer_norm = ::layer_norm,
    .argmax = ::argmax,
    .silu_mul = ::silu_mul,
    .rope = ::rope,
    .transpose_keys = ::transpose_keys,
    .attention = ::attention,
};

}  // namespace hearth::kernels
