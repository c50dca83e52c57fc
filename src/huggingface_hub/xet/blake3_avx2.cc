// BLAKE3 by eight lanes, AVX2.
#define HEARTH_LANES 8
#define HEARTH_BLAKE3_TABLE blake3_avx2
#include "huggingface_hub/xet/blake3_body.h"
