"""Peak memory in MB of the processes of load-1g."""
import _load

better = "lower"


def run():
    return _load.row(1, "MB")
