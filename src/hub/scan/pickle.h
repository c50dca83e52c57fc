// Which Python functions a pickle would import and call: read from its opcodes, nothing is ever run.
// Source: CPython 3.12 Lib/pickletools.py (opcodes and their arguments); picklescan (which imports are safe or not);
// the Hub's documentation, "Pickle Scanning".
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::hub::scan {

enum class Safety { innocuous, suspicious, dangerous };
/// "innocuous", "suspicious", "dangerous": as pickleImportScan spells them.
std::string_view safety_name(Safety safety);

struct Import {
  std::string module, name;
  Safety safety = Safety::suspicious;
};

struct PickleScan {
  std::vector<Import> imports;  ///< each once, in the order of their first use
  bool is_cut = false;          ///< the bytes end, or make no sense, before the pickle's STOP
  Safety safety() const;        ///< the worst of them; of a cut pickle at least suspicious
};

/// How dangerous an import is: known tensor and container types are innocuous, what runs code, opens files or sockets
/// is dangerous, all else suspicious.
Safety judge_import(std::string_view module, std::string_view name);

/// Does the file begin as a pickle (protocol 2 and later) or as a zip archive?
bool is_pickle(std::span<const std::byte> file);

/// The pickles of a file: one after another from its beginning (as torch's old format has them), or the members of a
/// torch zip archive that are pickles. bad_input when the file is neither. Memory is bounded by a few times the
/// pickles' own size; members over 512 MB unpacked are taken for dangerous rather than read.
Result<PickleScan> scan_pickle(std::span<const std::byte> file);

}  // namespace hearth::hub::scan
