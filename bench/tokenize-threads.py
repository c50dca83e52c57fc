"""One batch on two threads against one: how many times the text a second (wall clock; a quiet machine tells)."""
import _tokenizers

better = "higher"
goal = 1.95


def run():
    _tokenizers.measure("bpe", (), turns=1)  # builds the program
    program = _tokenizers._common.root / "build" / "bin" / "bench_tokenizers"
    best = {}
    for _ in range(5):
        for threads in (1, 2):
            got = _tokenizers.ask([program, _tokenizers.vocabulary("bpe"), _tokenizers.texts(), "ids", threads])
            best[threads] = max(best.get(threads, 0), got["warm_wall"])
    return {"unit": "times", "ours": best[2] / best[1], "peers": {}, "limit": None}
