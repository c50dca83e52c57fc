#include "tokenizers/tokenizer.h"
