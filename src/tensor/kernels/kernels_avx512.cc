// The kernels for processors with AVX-512 F, BW, DQ, VL and VNNI; CMakeLists.txt gives this file its flags.
#include "tensor/kernels/vec_avx512.h"
// The lanes come first: the bodies behind the table are written over them.
#include "tensor/kernels/table_body.h"

namespace hearth::kernels {

const KernelTable kernels_avx512 = kTable;

}  // namespace hearth::kernels
