// The entry of libhearth_aten, opened by tensor/backend.cc when libtorch is asked for.
#pragma once

#include "tensor/backend.h"

/// The op table filled by libtorch. Lives until the process ends.
extern "C" const hearth::Backend* hearth_aten_backend();
