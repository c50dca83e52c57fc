"""Writes a checkpoint with random weights of the shape that a row names. Usage: _make_model.py KIND FOLDER."""
import pathlib
import sys

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers


def bert_base():
    return transformers.BertModel(transformers.BertConfig())


def t5_small():
    config = transformers.T5Config(vocab_size=32128, d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_heads=8, decoder_start_token_id=0)
    return transformers.T5ForConditionalGeneration(config)


def bart_base():
    config = transformers.BartConfig(vocab_size=50265, d_model=768, encoder_layers=6, decoder_layers=6, encoder_attention_heads=12,
                                     decoder_attention_heads=12, encoder_ffn_dim=3072, decoder_ffn_dim=3072, forced_eos_token_id=None,
                                     normalize_before=False, normalize_embedding=True)  # CTranslate2 asks for these two
    return transformers.BartForConditionalGeneration(config)


def llama_1g():
    config = transformers.LlamaConfig(vocab_size=32000, hidden_size=1024, intermediate_size=2816, num_hidden_layers=14, num_attention_heads=16,
                                      num_key_value_heads=4, max_position_embeddings=2048)
    return transformers.LlamaForCausalLM(config)


KINDS = {"bert-base": bert_base, "t5-small": t5_small, "bart-base": bart_base, "llama-1g": llama_1g}
# The places that special tokens have: CTranslate2 takes words, and asks for these by name.
SPECIAL = {"t5-small": {"<pad>": 0, "</s>": 1, "<unk>": 2}, "bart-base": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3}}


def words(kind, size):
    """A tokenizer whose word of id N is "wN"."""
    special = SPECIAL[kind]
    vocabulary = special | {f"w{i}": i for i in range(len(special), size)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    roles = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"} | ({"bos_token": "<s>"} if "<s>" in special else {})
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **roles)


def main(kind, folder):
    torch.manual_seed(0)
    part = pathlib.Path(folder + ".part")
    model = KINDS[kind]()
    model.save_pretrained(part)
    if kind in SPECIAL:
        words(kind, model.config.vocab_size).save_pretrained(part)
    part.rename(folder)


main(*sys.argv[1:])
