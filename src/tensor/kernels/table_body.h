// One instruction set's table of kernels. Included by each kernel file after its lanes.
#pragma once

#include "tensor/kernels/attention_body.h"
#include "tensor/kernels/panel_body.h"

namespace {

constexpr KernelTable kTable = {
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

}  // namespace
