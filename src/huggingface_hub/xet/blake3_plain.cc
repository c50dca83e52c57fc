// BLAKE3 by four lanes, the instructions every x86-64 has.
#define HEARTH_LANES 4
#define HEARTH_BLAKE3_TABLE blake3_plain
#include "huggingface_hub/xet/blake3_body.h"
