// The kernels for any processor; CMakeLists.txt gives this file its flags.
#include "tensor/kernels/vec_plain.h"
// The lanes come first: the bodies behind the table are written over them.
#include "tensor/kernels/table_body.h"

namespace hearth::kernels {

const KernelTable kernels_plain = kTable;

}  // namespace hearth::kernels
