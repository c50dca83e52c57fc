"""Encoders whose configurations the checkpoints of make_checkpoints.py do not have: each flag that changes the numbers,
and each head, beside transformers on a batch that is padded on the right, hidden states included."""
import json
import zlib

import pytest
import torch
import transformers
from safetensors.torch import save_file

from outputs import check_outputs

SMALL = dict(vocab_size=96, hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48,
             max_position_embeddings=64)
ALBERT = SMALL | dict(model_type="albert", embedding_size=16)
MPNET = SMALL | dict(model_type="mpnet")
ROBERTA = SMALL | dict(model_type="roberta", type_vocab_size=1)
DISTILBERT = dict(model_type="distilbert", vocab_size=96, dim=32, n_layers=2, n_heads=4, hidden_dim=48,
                  max_position_embeddings=64)
MODERNBERT = SMALL | dict(model_type="modernbert", num_hidden_layers=4, local_attention=8, pad_token_id=0)
DEBERTA = SMALL | dict(model_type="deberta", relative_attention=True, pos_att_type=["c2p", "p2c"], type_vocab_size=2)
DEBERTA_V2 = DEBERTA | dict(model_type="deberta-v2", position_buckets=8)
HEADS = "SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice", "MaskedLM"
# name: (configuration, head behind AutoModelFor or "" for AutoModel)
CASES = {
    **{f"mpnet-{head}": (MPNET, head) for head in HEADS},
    "mpnet-more-buckets": (MPNET | dict(relative_attention_num_buckets=40), ""),
    **{f"modernbert-{head}": (MODERNBERT, head) for head in HEADS},
    "modernbert-mean": (MODERNBERT | dict(classifier_pooling="mean", local_attention=7), "SequenceClassification"),
    "modernbert-biases": (MODERNBERT | dict(
        norm_bias=True, attention_bias=True, mlp_bias=True, classifier_bias=True, decoder_bias=False,
        classifier_activation="silu", hidden_activation="relu", norm_eps=1e-3), "MaskedLM"),
    "modernbert-layer-types": (MODERNBERT | dict(layer_types=["sliding_attention"] * 3 + ["full_attention"]), ""),
    "modernbert-thetas": (MODERNBERT | dict(rope_parameters={
        "full_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 100.0}}), ""),
    **{f"deberta-{head}": (DEBERTA, head) for head in HEADS if head != "MultipleChoice"},
    "deberta-plain": (DEBERTA | dict(relative_attention=False, pos_att_type=None), ""),
    "deberta-near": (DEBERTA | dict(max_relative_positions=6, pos_att_type="p2c"), ""),
    "deberta-new-predictions": (DEBERTA | dict(legacy=False, hidden_act="relu"), "MaskedLM"),
    "deberta-narrow": (DEBERTA | dict(embedding_size=16, position_biased_input=False), "MaskedLM"),
    **{f"deberta-v2-{head}": (DEBERTA_V2, head) for head in HEADS},
    "deberta-v2-plain": (DEBERTA_V2 | dict(relative_attention=False), ""),
    "deberta-v2-buckets": (DEBERTA_V2 | dict(position_buckets=6, max_relative_positions=20, pos_att_type="c2p"), ""),
    "deberta-v2-shared": (DEBERTA_V2 | dict(share_att_key=True, norm_rel_ebd="layer_norm"), ""),
    "deberta-v2-convolution": (DEBERTA_V2 | dict(conv_kernel_size=5, conv_groups=4, position_buckets=-1), ""),
    "deberta-v2-convolution-gelu": (DEBERTA_V2 | dict(conv_kernel_size=3, conv_act="gelu"), ""),
    "deberta-v2-pooler": (DEBERTA_V2 | dict(pooler_hidden_act="tanh"), "SequenceClassification"),
    "deberta-v2-new-predictions": (DEBERTA_V2 | dict(legacy=False), "MaskedLM"),
    "deberta-v2-narrow": (DEBERTA_V2 | dict(embedding_size=16), "MaskedLM"),
    "roberta-choice": (ROBERTA, "MultipleChoice"),
    "distilbert-choice": (DISTILBERT, "MultipleChoice"),
    "albert-pretraining": (ALBERT, "PreTraining"),
    "albert-choice": (ALBERT, "MultipleChoice"),
    "albert-inner-layers": (ALBERT | dict(inner_group_num=2, num_hidden_groups=2), ""),
    "albert-uneven-groups": (ALBERT | dict(num_hidden_layers=10, num_hidden_groups=7), ""),
    "albert-relu-untied": (ALBERT | dict(hidden_act="relu", tie_word_embeddings=False), "MaskedLM"),
}


def random_weights(model, generator):
    """Every parameter drawn anew, so that no bias is 0 and no norm 1."""
    for name, p in sorted(model.named_parameters()):
        noise = torch.randn(p.shape, generator=generator)
        is_norm = "norm" in name.lower() and name.endswith("weight")
        p.copy_(1 + 0.15 * noise if is_norm else 0.15 * noise if p.dim() == 1 else
                0.5 * noise if "embed" in name else noise * 1.2 / p[0].numel()**0.5)
    model.tie_weights()


def batch(config, head, generator, length=29):
    choices = 2 if head == "MultipleChoice" else 1
    shape = (2, choices, length) if choices > 1 else (3, length)
    ids = torch.randint(5, config.vocab_size, shape, generator=generator)
    mask = torch.ones(shape, dtype=torch.long)
    for row, left_out in zip(mask.view(-1, length), (0, 7, 20, 3)):
        row[length - left_out:] = 0
    ids[mask == 0] = config.pad_token_id
    inputs = {"input_ids": ids, "attention_mask": mask}
    if getattr(config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = torch.randint(0, config.type_vocab_size, shape, generator=generator) * mask
    return inputs


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_outputs(name, tmp_path):
    settings, head = CASES[name]
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    config = transformers.AutoConfig.for_model(**settings)
    config.num_labels = 2 if head == "QuestionAnswering" else 3
    auto = getattr(transformers, f"AutoModelFor{head}" if head else "AutoModel")
    model = auto.from_config(config, attn_implementation="eager").eval()
    random_weights(model, generator)
    model.save_pretrained(tmp_path / "model")
    inputs = batch(config, head, generator)
    out = model(**inputs, output_hidden_states=True)
    arrays = {f"in.{key}": value for key, value in inputs.items()}
    for key, value in out.items():
        for part, tensor in ((f".{i}", t) for i, t in enumerate(value)) if isinstance(value, tuple) else [("", value)]:
            arrays[f"out.{key}{part}"] = tensor.clone()
    save_file(arrays, tmp_path / "golden")
    for backend in ("native", "aten"):
        check_outputs(tmp_path / "model", tmp_path / "golden", tmp_path / "out", "--backend", backend)
