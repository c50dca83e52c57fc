"""hearth --help: CPU milliseconds; nothing heavy may be mapped to print it."""
import _common

better = "lower"
goal = 50.0


def run():
    cpu = _common.median([_common.run_timed([_common.hearth, "--help"])[1] for _ in range(15)])
    return {"unit": "CPU ms", "ours": cpu * 1000}
