"""Writes a checkpoint with random weights of the shape that a row names. Usage: _make_model.py KIND FOLDER."""
import pathlib
import sys

import torch
import transformers


def bert_base():
    return transformers.BertModel(transformers.BertConfig())


KINDS = {"bert-base": bert_base}


def main(kind, folder):
    torch.manual_seed(0)
    part = pathlib.Path(folder + ".part")
    KINDS[kind]().save_pretrained(part)
    part.rename(folder)


main(*sys.argv[1:])
