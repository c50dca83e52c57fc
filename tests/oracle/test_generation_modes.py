"""The ways of generate() beside what test_generation.py has: groups of beams and contrastive search as transformers 4 had
them (transformers 5 dropped both), stop strings, caches, and the flags of `hearth run`.

Of the former the scorer, the processor and the ranking are transformers 4.49's own; the loop around them is its loop without
what makes it fast: the model, of transformers 5, reads the whole text at each step.
"""
import subprocess

import numpy
import pytest
from safetensors.numpy import load_file

import checkpoints
import fetch_transformers4
from outputs import hearth
from test_generation import generate


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(["gpt2", "llama3"], 0)


@pytest.fixture(scope="module", params=["gpt2.causal", "llama3.causal"])
def case(request, made):
    """A model, as transformers loads it, and padded prompts."""
    import torch
    from transformers import AutoModelForCausalLM

    golden = load_file(made / "golden" / f"{request.param}.safetensors")
    inputs = {key: golden[key] for key in ("in.input_ids", "in.attention_mask")}
    model = AutoModelForCausalLM.from_pretrained(made / request.param).eval()
    return request.param, model, inputs, *(torch.from_numpy(value) for value in inputs.values())


def read(model, ids, mask):
    """Logits and last hidden states of whole texts; what was written follows `mask`."""
    import torch

    mask = torch.cat([mask, mask.new_ones(len(ids), ids.shape[1] - mask.shape[1])], 1)
    places = (mask.cumsum(1) - 1).clamp(min=0)
    with torch.no_grad():
        out = model(input_ids=ids, attention_mask=mask, position_ids=places, use_cache=False, output_hidden_states=True)
    return out.logits.float(), out.hidden_states[-1], mask


def group_beams(model, ids, mask, num_beams, groups, penalty, max_new_tokens, texts=1, eos=None, ngram=0, **rules):
    """GenerationMixin._group_beam_search of 4.49."""
    import torch
    from transformers.generation import logits_process

    batch, prompt = ids.shape
    length, size = prompt + max_new_tokens, num_beams // groups
    pad = eos[0] if eos else 0
    fetch_transformers4.module("beam_constraints")
    scorer = fetch_transformers4.module("beam_search").BeamSearchScorer(
        batch_size=batch, num_beams=num_beams, device=ids.device, num_beam_groups=groups, num_beam_hyps_to_keep=texts, max_length=length,
        length_penalty=rules.get("length_penalty", 1.0), do_early_stopping=rules.get("early_stopping", False))
    diverse = fetch_transformers4.definition("logits_process.py", "HammingDiversityLogitsProcessor", logits_process)(penalty, num_beams, groups)
    ids, mask = ids.repeat_interleave(num_beams, 0), mask.repeat_interleave(num_beams, 0)
    scores = torch.full((batch, num_beams), -1e9)
    scores[:, ::size] = 0
    scores = scores.view(-1)
    ends = torch.tensor(eos) if eos else None
    while ids.shape[1] < length and not scorer.is_done:
        current = torch.zeros(batch * num_beams, dtype=ids.dtype)
        logits = read(model, ids, mask)[0][:, -1]
        for group in range(groups):
            rows = [row * num_beams + beam for row in range(batch) for beam in range(group * size, (group + 1) * size)]
            own = ids[rows]
            found = diverse(own, logits[rows].log_softmax(-1), current_tokens=current, beam_group_idx=group)
            if ngram:
                found = logits_process.NoRepeatNGramLogitsProcessor(ngram)(own, found)
            vocab = found.shape[-1]
            found = (found + scores[rows, None]).view(batch, size * vocab)
            found, tokens = torch.topk(found, max(2, 1 + len(eos or [])) * size, dim=1)
            said = scorer.process(own, found, tokens % vocab, tokens // vocab, pad_token_id=pad, eos_token_id=ends, group_index=group, decoder_prompt_len=prompt)
            scores[rows] = said["next_beam_scores"]
            ids[rows] = own[said["next_beam_indices"]]
            current[rows] = said["next_beam_tokens"]
        ids = torch.cat([ids, current[:, None]], 1)
    out = scorer.finalize(ids, scores, None, None, max_length=length, pad_token_id=pad, eos_token_id=ends, decoder_prompt_len=prompt)
    return out["sequences"].tolist(), out["sequence_scores"].numpy()


@pytest.mark.parametrize("rules", [
    {"num_beams": 4, "groups": 2, "penalty": 0.8, "max_new_tokens": 9},
    {"num_beams": 6, "groups": 3, "penalty": 2.5, "max_new_tokens": 7, "texts": 4, "length_penalty": 0.4},
    {"num_beams": 4, "groups": 4, "penalty": 1.0, "max_new_tokens": 8, "texts": 4, "ngram": 2, "early_stopping": True},
    {"num_beams": 4, "groups": 2, "penalty": 0.5, "max_new_tokens": 12, "texts": 3, "often": True},
    {"num_beams": 6, "groups": 2, "penalty": 0.5, "max_new_tokens": 12, "texts": 2, "often": True, "early_stopping": "never", "length_penalty": 2.0},
])
def test_groups_of_beams(made, case, rules, tmp_path):
    name, model, inputs, ids, mask = case
    rules = dict(rules)
    # Ends that do come: the tokens that the model itself likes.
    often = rules.pop("often", False)
    logits = read(model, ids, mask)[0][:, -1]
    eos = sorted(set(logits.topk(3).indices.flatten().tolist()[2::3])) if often else [1]
    wanted, scores = group_beams(model, ids, mask, eos=eos, **rules)
    arguments = {key: rules[key] for key in rules if key in ("num_beams", "max_new_tokens", "length_penalty", "early_stopping")}
    arguments |= {"num_beam_groups": rules["groups"], "diversity_penalty": rules["penalty"], "num_return_sequences": rules.get("texts", 1),
                  "eos_token_id": eos, "pad_token_id": eos[0], "no_repeat_ngram_size": rules.get("ngram", 0)}
    ours, our_scores = generate(made, name, inputs, arguments, tmp_path)
    assert ours == wanted
    assert numpy.abs(our_scores - scores).max() < 1e-4


def contrastive(model, ids, mask, alpha, top_k, max_new_tokens, eos, penalty=1.0):
    """GenerationMixin._contrastive_search of 4.49."""
    import torch
    from transformers.generation import logits_process, utils

    rank = fetch_transformers4.definition("utils.py", "_ranking_fast", utils)
    processor = logits_process.RepetitionPenaltyLogitsProcessor(penalty)
    over = torch.zeros(len(ids), dtype=torch.bool)
    prompt = ids.shape[1]
    for _ in range(max_new_tokens):
        logits, before, full = read(model, ids, mask)
        seen = logits[:, -1]
        if penalty != 1:  # of what is no padding
            seen = torch.cat([processor(row[None, kept.bool()], one[None]) for row, kept, one in zip(ids, full, seen)])
        p, tokens = torch.topk(seen.softmax(-1), top_k)
        picked = []
        for row in range(len(ids)):
            tried = torch.cat([ids[row].expand(top_k, -1), tokens[row, :, None]], 1)
            after = read(model, tried, mask[row].expand(top_k, -1))[1][:, -1:]
            at = rank(before[row].expand(top_k, -1, -1), after, p[row], full[row].expand(top_k, -1), alpha, top_k)
            picked.append(tokens[row, at[0]])
        picked = torch.where(over, torch.tensor(eos), torch.stack(picked))
        ids = torch.cat([ids, picked[:, None]], 1)
        over |= picked == eos
        if over.all():
            break
    assert ids.shape[1] > prompt
    return ids.tolist()


@pytest.mark.parametrize("alpha,top_k,penalty", [(0.6, 4, 1.0), (0.3, 6, 1.3), (0.9, 3, 1.0)])
def test_contrastive_search(made, case, alpha, top_k, penalty, tmp_path):
    name, model, inputs, ids, mask = case
    eos = int(contrastive(model, ids, mask, alpha, top_k, 4, -1, penalty)[0][-1])  # ends the first row early
    wanted = contrastive(model, ids, mask, alpha, top_k, 12, eos, penalty)
    arguments = {"penalty_alpha": alpha, "top_k": top_k, "max_new_tokens": 12, "eos_token_id": eos, "pad_token_id": eos, "repetition_penalty": penalty}
    assert generate(made, name, inputs, arguments, tmp_path)[0] == wanted
    plain = generate(made, name, inputs, {"max_new_tokens": 12, "eos_token_id": eos, "pad_token_id": eos}, tmp_path)[0]
    assert plain != wanted


def test_stop_strings(made, case, tmp_path):
    from transformers import AutoTokenizer

    name, model, inputs, ids, mask = case
    tokenizer = AutoTokenizer.from_pretrained(made / name)
    compared = 0
    for row in range(len(ids)):
        one = {key: numpy.ascontiguousarray(value[row:row + 1]) for key, value in inputs.items()}
        free = model.generate(input_ids=ids[row:row + 1], attention_mask=mask[row:row + 1], max_new_tokens=20)[0]
        text = tokenizer.decode(free[ids.shape[1]:])
        pieces = [text[at:at + size] for at, size in ((3, 1), (4, 2), (7, 3), (9, 5), (60, 2))]
        for stops in [piece for piece in pieces if piece and "\ufffd" not in piece] + [["~~~~"]]:
            wanted = model.generate(input_ids=ids[row:row + 1], attention_mask=mask[row:row + 1], max_new_tokens=20, stop_strings=stops, tokenizer=tokenizer)
            assert generate(made, name, one, {"max_new_tokens": 20, "stop_strings": stops}, tmp_path)[0] == wanted.tolist(), stops
            compared += wanted.shape[1] < free.shape[0]
    assert compared >= 3, "some do stop the text"


@pytest.mark.parametrize("arguments", [{"num_beams": 3}, {"do_sample": True, "seed": 4}, {"num_beams": 4, "num_beam_groups": 2, "diversity_penalty": 1.0}])
@pytest.mark.parametrize("cache", [{"use_cache": False}, {"cache_implementation": "static"}, {"cache_implementation": "dynamic"}, {"cache_implementation": "offloaded"},
                                   {"use_cache": False, "cache_implementation": "quantized"}])
def test_caches_change_nothing(made, case, arguments, cache, tmp_path):
    name, _, inputs, *_ = case
    arguments = {"max_new_tokens": 8} | arguments
    assert generate(made, name, inputs, arguments | cache, tmp_path)[0] == generate(made, name, inputs, arguments, tmp_path)[0]


@pytest.mark.parametrize("arguments,message", [
    ({"num_beams": 4, "num_beam_groups": 3}, "num_beam_groups is 3"), ({"num_beams": 4, "num_beam_groups": 2, "do_sample": True}, "do_sample"),
    ({"penalty_alpha": 2}, "penalty_alpha is 2"), ({"stop_strings": 3}, "stop_strings is 3"), ({"cache_implementation": "sinking"}, "cache_implementation is 'sinking'"),
    ({"num_beams": 4, "num_beam_groups": 2, "stop_strings": "a"}, "not at stop_strings"), ({"force_words_ids": [[3]]}, "force_words_ids is not offered")])
def test_faults_are_named(made, case, arguments, message, tmp_path):
    name, _, inputs, *_ = case
    with pytest.raises(AssertionError) as told:
        generate(made, name, inputs, arguments, tmp_path)
    assert message in str(told.value)


@pytest.mark.parametrize("flags,rules", [
    (("--num-beams", "3"), {"num_beams": 3}), (("--num-beams", "2", "--length-penalty", "-2"), {"num_beams": 2, "length_penalty": -2.0}),
    (("--repetition-penalty", "1.5"), {"repetition_penalty": 1.5}), (("--prompt-lookup", "3"), {})])
def test_flags_of_run(made, flags, rules):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    path = made / "gpt2.causal"
    tokenizer, model = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path).eval()
    ids = tokenizer("Hello", return_tensors="pt")["input_ids"]
    wanted = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=9, **rules)[0, ids.shape[1]:]
    said = subprocess.run([hearth, "run", "--raw", "--max-new-tokens", "9", *flags, str(path), "Hello"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    assert said.stdout.removesuffix("\n") == tokenizer.decode(wanted, skip_special_tokens=True).removesuffix("\n")
