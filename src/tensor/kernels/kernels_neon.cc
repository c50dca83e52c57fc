// The kernels for processors with ARMv8.2 and its dot products; CMakeLists.txt gives this file its flags.
#if defined(__aarch64__)
#include "tensor/kernels/vec_neon.h"
// The lanes come first: the bodies are written over them.
#include "tensor/kernels/attention_body.h"
#include "tensor/kernels/panel_body.h"

namespace hearth::kernels {

const KernelTable kernels_neon = {
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
#endif
