"""generate() of another library on one thread, as bench/seq2seq.cc measures ours.
Usage: _seq2seq_peer.py LIBRARY FOLDER TEXTS LENGTH NEW_TOKENS BEAMS ROUNDS; prints one JSON object."""
import json
import pathlib
import sys
import time

root = pathlib.Path(__file__).resolve().parent.parent


def with_transformers(folder, rows, fresh, beams):
    import torch
    from transformers import AutoModelForSeq2SeqLM

    torch.set_num_threads(1)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder).eval()
    ids = torch.tensor(rows)
    settings = dict(num_beams=beams, do_sample=False, min_new_tokens=fresh, max_new_tokens=fresh)
    made = lambda: model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), **settings)
    assert made().shape[1] == fresh + 1
    return made


def with_ctranslate2(folder, rows, fresh, beams):
    import ctranslate2

    path = root / "build" / "bench" / "models" / f"{folder.name}.ct2"
    if not path.exists():
        from ctranslate2.converters import TransformersConverter

        TransformersConverter(str(folder)).convert(str(path))
    model = ctranslate2.Translator(str(path), device="cpu", inter_threads=1, intra_threads=1, compute_type="float32")
    words = [[f"w{id}" for id in row[:-1]] + ["</s>"] for row in rows]
    made = lambda: model.translate_batch(words, beam_size=beams, min_decoding_length=fresh, max_decoding_length=fresh)
    assert all(len(one.hypotheses[0]) == fresh for one in made())
    return made


def main(library, folder, texts, length, fresh, beams, rounds):
    folder, texts, length, fresh = pathlib.Path(folder), int(texts), int(length), int(fresh)
    eos = json.loads((folder / "config.json").read_text())["eos_token_id"]
    flat = [eos if i % length == length - 1 else 100 + i * 37 % 30000 for i in range(texts * length)]
    rows = [flat[i:i + length] for i in range(0, len(flat), length)]
    work = {"transformers": with_transformers, "CTranslate2": with_ctranslate2}[library](folder, rows, fresh, int(beams))
    took = []
    for _ in range(int(rounds)):
        begin = time.process_time()
        work()
        took.append(time.process_time() - begin)
    print(json.dumps({"rate": texts * fresh / min(took)}))


main(*sys.argv[1:])
