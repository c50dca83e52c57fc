"""_tokenizers_peer.py NAME TOKENIZER TEXTS ids|offsets|batch: one peer on one core; prints what bench_tokenizers prints."""
import importlib
import json
import os
import sys
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
name, path, texts, what = sys.argv[1:5]
documents = [d.decode() for d in open(texts, "rb").read().split(b"\0")]
if name == "tokenizers" and len(documents) > 500:
    documents = documents[:: len(documents) // 500]  # a hundred times slower than the others: a sample tells its rate
megabytes = sum(len(d.encode()) for d in documents) / 1e6

begin = time.process_time()
if name == "fastokens":
    import fastokens

    tokenizer = fastokens.Tokenizer.from_file(path)
    encode = lambda text: len(tokenizer.encode(text, add_special_tokens=False))
elif name in ("tokenizers", "hearth_tokenizers"):  # the second is ours, through Python
    tokenizer = importlib.import_module(name).Tokenizer.from_file(path)
    encode = lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
elif name == "tokie":
    import tokie

    tokenizer = tokie.Tokenizer.from_json(path)
    encode = lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
elif name == "gigatoken":
    import gigatoken

    tokenizer = gigatoken.Tokenizer.from_json(open(path).read())
    encode = lambda text: len(tokenizer.encode(text))
elif name == "nanotoken":
    import nanotoken

    tokenizer = nanotoken.Tokenizer.from_json(open(path).read())
    encode = lambda text: len(tokenizer.encode(text, add_special_tokens=False))
elif name == "splintr":
    import splintr

    tokenizer = splintr.from_json(path)
    encode = lambda text: len(tokenizer.encode(text))
else:
    sys.exit(f"no peer {name}")
load_s = time.process_time() - begin
rates, counts = [], []
for _ in range(2):
    begin = time.process_time()
    if what == "batch":
        count = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(documents, add_special_tokens=False))
    else:
        count = sum(map(encode, documents))
    rates.append(megabytes / (time.process_time() - begin))
    counts.append(count)
tokens = counts[0] if name != "tokenizers" else None
print(json.dumps({"load_s": load_s, "cold": rates[0], "warm": rates[1], "tokens": tokens}))
