# The rooms that the tokenizers need, by themselves: bindings/python is made of nothing else.
room(base            LIBS simdjson OpenSSL::Crypto Threads::Threads dl)
room(safetensors)
room(tokenizers      REGISTRY normalizers pretokenizers models postprocessors decoders classes LIBS onig)
