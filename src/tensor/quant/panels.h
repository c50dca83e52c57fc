// Laying block weights out in panels (kernels/panel_layout.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "safetensors/dtype.h"
#include "tensor/kernels/panel_layout.h"
#include "tensor/linear_kernels.h"

namespace hearth::kernels {

/// The layout of a type's panels; none for what is not in blocks.
std::optional<Panel> panel_of(DType type);
/// What the sixteen codes of a layout stand for; null for one without a table.
const int8_t* table_of(Panel panel);

/// Writes one panel: `count` (at most 16) rows of `blocks` blocks of 32, `row_bytes` apart in the file. `to` holds
/// zeros.
void write_panel(Panel panel, const std::byte* from, int64_t row_bytes, int64_t blocks, int64_t count, uint8_t* to);
/// The same from whole numbers; `first` is the panel's first row.
void write_panel(Panel panel, const CodedMatrix& from, int64_t first, uint8_t* to);

}  // namespace hearth::kernels
