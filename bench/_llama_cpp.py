"""llama.cpp on one model file: the best prompt and decode rates of several rounds, as bench/model.cc measures ours, less
the choice of the next token. Usage: _llama_cpp.py FILE THREADS ROUNDS; prints one JSON object.

The library comes from the package llama-cpp-py-sync, which carries it prebuilt but for glibc 2.38 and later; where it
does not load, from llama-cpp-python, which builds it for this machine. Exit status 3: neither is usable here.
"""
import json
import sys
import time

PROMPT, TOKENS = 512, 64
LIMIT_S = 5  # of one decoding: with busy neighbours its threads wait for one another a hundred times longer


class Sync:
    def __init__(self, path, threads):
        from llama_cpp_py_sync import Llama

        self.model = Llama(path, n_ctx=1024, n_batch=PROMPT, n_threads=threads)

    def clear(self):
        self.model._clear_context_state()

    def eval(self, tokens, past):
        self.model._eval_tokens(tokens, past)


class Python:
    def __init__(self, path, threads):
        from llama_cpp import Llama

        self.model = Llama(path, n_ctx=1024, n_batch=PROMPT, n_threads=threads, n_threads_batch=threads, verbose=False)

    def clear(self):
        self.model.reset()

    def eval(self, tokens, past):
        self.model.n_tokens = past
        self.model.eval(tokens)


def load(path, threads):
    reasons = []
    for kind in (Sync, Python):
        try:
            return kind(path, threads)
        except (ImportError, RuntimeError, OSError) as error:
            reasons.append(f"{kind.__name__}: {error}")
    print("\n".join(reasons), file=sys.stderr)
    sys.exit(3)


def main(path, threads, rounds):
    begin = time.perf_counter()
    model = load(path, threads)
    loaded = time.perf_counter() - begin
    prompt = [10 + i * 37 % 40000 for i in range(PROMPT)]
    prefill = decode = 0.0
    for _ in range(rounds):
        model.clear()
        begin = time.perf_counter()
        model.eval(prompt, 0)
        prefill = max(prefill, PROMPT / (time.perf_counter() - begin))
        model.clear()
        model.eval(prompt[:16], 0)
        begin = time.perf_counter()
        for i in range(TOKENS):
            model.eval(prompt[i : i + 1], 16 + i)
            seconds = time.perf_counter() - begin
            if seconds > LIMIT_S:
                break
        decode = max(decode, (i + 1) / seconds)
    print(json.dumps({"load_s": loaded, "prefill": prefill, "decode": decode}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
