"""hearth run and hearth chat: what goes to standard output and standard error, and which files a MODEL means."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys

import pytest
from huggingface_hub import HfApi

root = pathlib.Path(__file__).resolve().parents[2]
hearth = os.environ.get("HEARTH_BIN", str(root / "build" / "bin" / "hearth"))
sys.path.insert(0, str(root / "tests" / "oracle"))


def run(*words, stdin="", check=True):
    done = subprocess.run([hearth, *map(str, words)], input=stdin, capture_output=True, text=True, timeout=120)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def test_exact_continues_as_transformers_does(smollm2):
    done = run("run", smollm2, "--raw", "--exact", "--max-new-tokens", 12, "The capital of France is")
    assert done.stdout.startswith(" Paris.\n\nThe answer is: 2")
    assert "tokens/s" in done.stderr and "exact f32 numerics on native" in done.stderr


def test_quantized_files_are_fast_by_default(smollm2):
    assert "fast numerics on native" in run("run", smollm2, "--raw", "--max-new-tokens", 2, "Hello").stderr


def test_the_prompt_may_come_from_standard_input(smollm2):
    words = ("run", smollm2, "--raw", "--exact", "--max-new-tokens", 8)
    assert run(*words, stdin="The capital of France is\n").stdout == run(*words, "The capital of France is").stdout


def test_sampling_follows_its_seed(smollm2):
    answer = lambda seed: run("run", smollm2, "--raw", "--temperature", 1.5, "--seed", seed, "--max-new-tokens", 24, "Once").stdout
    assert answer(1) == answer(1)
    assert len({answer(seed) for seed in range(1, 4)}) > 1


@pytest.mark.parametrize("words,told", [
    (("--exact", "--fast"), "exclude each other"),
    (("--dtype", "f8"), "--dtype f8 is not known"),
    (("--backend", "foo"), "no backend 'foo'"),
    (("--temperature", "warm"), "temperature"),
    (("--top-p", "0"), "top_p is 0"),
    (("--max-new-tokens", "0"), "max-new-tokens"),
])
def test_wrong_flags_are_named(smollm2, words, told):
    done = run("run", smollm2, "Hello", *words, check=False)
    assert done.returncode not in (0, 134) and told in done.stderr and done.stdout == ""


def test_several_weight_files_are_named(smollm2, tmp_path):
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).symlink_to(smollm2)
    done = run("run", tmp_path, "Hello", check=False)
    assert done.returncode != 0 and "a.gguf" in done.stderr and "b.gguf" in done.stderr
    assert run("run", f"{tmp_path}:b.gguf", "--raw", "--max-new-tokens", 2, "Hello").stdout
    assert "has no file c.gguf" in run("run", f"{tmp_path}:c.gguf", "Hello", check=False).stderr


def test_a_folder_of_safetensors_with_its_tokenizer(tmp_path):
    import checkpoints
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = checkpoints.make(["llama3.causal"], 0, "default") / "llama3.causal"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("The capital of France is", return_tensors="pt")
    theirs = AutoModelForCausalLM.from_pretrained(folder).generate(**ids, max_new_tokens=12, do_sample=False)
    text = tokenizer.decode(theirs[0][ids["input_ids"].shape[1]:], skip_special_tokens=True)
    ours = run("run", folder, "--raw", "--max-new-tokens", 12, "The capital of France is")
    assert ours.stdout in (text, text + "\n")
    assert "exact f32 numerics" in ours.stderr


def test_a_damaged_file_is_refused(smollm2, tmp_path):
    path = tmp_path / "cut.gguf"
    path.write_bytes(smollm2.read_bytes()[: 20 << 20])
    done = run("run", path, "Hello", check=False)
    assert done.returncode not in (0, 134, -11) and "cut.gguf" in done.stderr


def test_a_repository_of_the_hub(hub, smollm2, tmp_path):
    shutil.copy(smollm2, tmp_path / "model.gguf")
    hub.run("repos", "create", "alice/smol", token=hub.alice)
    hub.run("upload", "alice/smol", tmp_path / "model.gguf", "model.gguf", token=hub.alice)
    words = ("--raw", "--exact", "--max-new-tokens", 8, "The capital of France is")
    assert hub.run("run", "alice/smol", *words).stdout.startswith(" Paris.")
    assert hub.run("run", "alice/smol:model.gguf", *words).stdout.startswith(" Paris.")
    done = hub.run("run", "alice/nothing", *words, check=False)
    assert done.returncode != 0 and "alice/nothing" in done.stderr


def test_the_chat_template_is_applied(smollm2):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(smollm2.parent, gguf_file=smollm2.name)
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    words = ("--exact", "--max-new-tokens", 16)
    chat = run("run", smollm2, *words, messages[0]["content"])
    assert chat.stdout == run("run", smollm2, *words, "--raw", prompt).stdout
    assert "Paris" in chat.stdout and "<|im_end|>" not in chat.stdout


def test_chat_remembers_until_reset(smollm2):
    words = ("chat", smollm2, "--exact", "--max-new-tokens", 24)
    question = "What is the capital of France?\n"
    alone = run(*words, stdin=question + "/exit\nnot read\n")
    assert "Paris" in alone.stdout and "not read" not in alone.stdout and "tokens/s" in alone.stderr
    # The second time it answers a longer conversation; after /reset it is as the first.
    first, again = alone.stdout, run(*words, stdin=question + "/reset\n" + question).stdout
    assert again == first + first
    longer = run(*words, stdin=question + "And of Germany?\n")
    assert longer.stdout.startswith(first) and len(longer.stdout) > len(first)
    assert "a prompt of" in longer.stderr
    assert "no command /help" in run(*words, stdin="/help\n").stderr


def test_ctrl_c_stops_the_answer_and_not_the_chat(smollm2):
    words, story = ("chat", smollm2, "--exact", "--max-new-tokens", "400"), "Write a long story about a dragon and a knight.\n"
    whole = run(*words, stdin=story).stdout
    assert len(whole) > 800
    with subprocess.Popen([hearth, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as chat:
        chat.stdin.write(story)
        chat.stdin.flush()
        assert chat.stdout.read(1)
        chat.send_signal(signal.SIGINT)
        out, err = chat.communicate("/exit\n", timeout=60)
    assert chat.returncode == 0 and "exact f32 numerics" in err
    assert len(out) < len(whole) / 2


@contextlib.contextmanager
def main_job(data, environment):
    """scripts/run, once it says that the hub is there: its address and what it says then."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    job = subprocess.Popen([root / "scripts" / "run"], env=environment | {"DATA": str(data), "PORT": port}, text=True,
                           stdout=subprocess.PIPE, start_new_session=True)
    try:
        said = iter(job.stdout.readline, "")
        yield next(line.split()[-1] for line in said if "Hearth is at" in line), said
    finally:
        os.killpg(job.pid, signal.SIGTERM)
        job.wait(timeout=30)


def test_the_main_job_fills_a_hub_with_a_writer_and_a_reader(tmp_path):
    """scripts/run on an empty folder: both models are there by name; the token of another hub is not used, and a model
    that is private by now stays as it is."""
    home = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HEARTH_"))}
    home |= {"HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf")}
    data, elsewhere = tmp_path / "data", home | {"HF_TOKEN": "hf_of_another_hub"}
    with main_job(data, elsewhere) as (url, said):
        assert any("hearth embed hearth/all-MiniLM-L6-v2" in line for line in said)
        client = home | {"HF_ENDPOINT": url}
        done = subprocess.run([hearth, "embed", "hearth/all-MiniLM-L6-v2", "--json", "a dog in the park", "a puppy outside", "tax law"],
                              env=client, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        dog, puppy, law = json.loads(done.stdout)
        alike = lambda a, b: sum(x * y for x, y in zip(a, b))
        assert len(dog) == 384 and alike(dog, puppy) > 0.5 > alike(dog, law)
        done = subprocess.run([hearth, "run", "hearth/SmolLM2-135M-Instruct", "--raw", "--exact", "--max-new-tokens", "8",
                               "The capital of France is"], env=client, capture_output=True, text=True, timeout=120)
        assert done.stdout.startswith(" Paris."), done.stderr
        token = subprocess.run([hearth, "admin", "token", "create", "hearth", "--role", "write", "--data", data], capture_output=True, text=True, check=True).stdout.split()[-1]
        HfApi(endpoint=url, token=token).update_repo_settings("hearth/all-MiniLM-L6-v2", private=True)
    with main_job(data, elsewhere) as (url, said):
        api = HfApi(endpoint=url, token=token)
        assert api.model_info("hearth/all-MiniLM-L6-v2").private and not api.model_info("hearth/SmolLM2-135M-Instruct").private
