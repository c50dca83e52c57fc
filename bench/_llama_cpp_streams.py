"""llama.cpp writing several texts at once: tokens a second of all, one batch of one token each at a time, the best of three
rounds, less the choice of the next token. Usage: _llama_cpp_streams.py FILE THREADS COUNT; prints one JSON object. Exit
status 3: llama-cpp-python is not usable here."""
import json
import sys
import time

PROMPT, TOKENS = 16, 48
LIMIT_S = 20


def main(path, threads, count):
    try:
        import llama_cpp
    except (ImportError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(3)
    llama_cpp.llama_backend_init()
    model = llama_cpp.llama_load_model_from_file(path.encode(), llama_cpp.llama_model_default_params())
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = count * (PROMPT + TOKENS + 16)
    params.n_batch = params.n_ubatch = max(count * PROMPT, 64)
    params.n_seq_max = count
    params.n_threads = params.n_threads_batch = threads
    context = llama_cpp.llama_new_context_with_model(model, params)
    batch = llama_cpp.llama_batch_init(count * PROMPT, 0, 1)

    def decode(rows):
        """rows: (token, position, sequence)"""
        batch.n_tokens = len(rows)
        for i, (token, position, sequence) in enumerate(rows):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, position, 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = True
        if llama_cpp.llama_decode(context, batch) != 0:
            raise RuntimeError("llama_decode failed")

    best = 0.0
    for _ in range(3):
        memory = llama_cpp.llama_get_memory(context)
        llama_cpp.llama_memory_clear(memory, True)
        decode([(10 + (1000 * s + i * 37) % 40000, i, s) for s in range(count) for i in range(PROMPT)])
        begin = time.perf_counter()
        for i in range(TOKENS):
            decode([(100 + s + i, PROMPT + i, s) for s in range(count)])
            seconds = time.perf_counter() - begin
            if seconds > LIMIT_S:
                break
        best = max(best, count * (i + 1) / seconds)
    print(json.dumps({"rate": best}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
