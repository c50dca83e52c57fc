#include "tensor/backend.h"

#include "base/door.h"
#include "base/text.h"

namespace hearth {

Result<const Backend*> backend_by_name(std::string_view name, DType arithmetic) {
  if (name == "native") return arithmetic == DType::bf16 ? &native_bf16_backend() : &native_backend();
  if (name != "aten") return Status(Code::bad_input, cat("no backend '", name, "'; there are native and aten"));
  // aten/door.h exports the table under this name; this object never sees libtorch.
  auto door = open_door("aten", "hearth_aten_backend");
  if (!door.ok()) return std::move(door).status();
  return reinterpret_cast<const Backend* (*)()>(*door)();
}

}  // namespace hearth
