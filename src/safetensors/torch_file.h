// PyTorch's weight files (pytorch_model.bin, .pt, .pth), read without torch and without running anything: a pickle
// that names tensors and the storages they look at. Tensors are views of the file.
// Source: torch 2.13.0 torch/serialization.py: the zip archive of 1.6 and later (_save), the stream before it
// (_legacy_save).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"
#include "safetensors/file.h"
#include "safetensors/safetensors.h"

namespace hearth {

/// Does the file begin as one?
bool is_torch_file(std::span<const std::byte> file);

/// The tensors of a state dict: a dict of names and tensors; entries that are no tensors are left out. bad_input when
/// the file is cut or contradicts itself; unsupported when its pickle asks for what no state dict needs, tensors lie
/// compressed or were written by a big-endian machine.
Result<WeightIndex> read_torch_file(std::span<const std::byte> file);

/// Writes a state dict as torch.save does since 1.6. Entries whose data are the same bytes share a storage. bad_input
/// as write_safetensors.
Status write_torch_file(const std::string& path, std::span<const SafetensorsEntryView> tensors);

}  // namespace hearth
