// BLAKE3 by sixteen lanes, AVX-512.
#define HEARTH_LANES 16
#define HEARTH_BLAKE3_TABLE blake3_avx512
#include "huggingface_hub/xet/blake3_body.h"
