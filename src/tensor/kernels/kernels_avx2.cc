// The kernels for processors with AVX2, FMA and F16C; CMakeLists.txt gives this file its flags.
#include "tensor/kernels/vec_avx2.h"
// The lanes come first: the bodies behind the table are written over them.
#include "tensor/kernels/table_body.h"

namespace hearth::kernels {

const KernelTable kernels_avx2 = kTable;

}  // namespace hearth::kernels
