// The kernels for processors with ARMv8.2 and its dot products; CMakeLists.txt gives this file its flags.
#if defined(__aarch64__)
#include "tensor/kernels/vec_neon.h"
// The lanes come first: the bodies behind the table are written over them.
#include "tensor/kernels/table_body.h"

namespace hearth::kernels {

const KernelTable kernels_neon = kTable;

}  // namespace hearth::kernels
#endif
