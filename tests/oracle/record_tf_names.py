"""Writes tf_names.txt: where transformers 4.57's TensorFlow classes put each weight in tf_model.h5, and PyTorch's name for it.

    record_tf_names.py FOLDER > tf_names.txt

FOLDER holds a folder a model (bert.pretrain, ...), saved by TFModel.save_pretrained(safe_serialization=False) with
tf_keras 2.21; transformers==4.57.6 must be installed. A line of the result has the layer's group, the weight's name in
it, PyTorch's name and the transpose; "{}" is the number of a layer, in each of those that end the line.
"""
import pathlib
import re
import sys

import h5py
from transformers.modeling_tf_pytorch_utils import convert_tf_weight_name_to_pt_weight_name

for folder in sorted(path for path in pathlib.Path(sys.argv[1]).iterdir() if (path / "tf_model.h5").exists()):
    print("=", folder.name)
    lines = {}
    with h5py.File(folder / "tf_model.h5") as file:
        for group in [*file.attrs["layer_names"], "top_level_model_weights"]:
            for name in file[group].attrs["weight_names"]:
                torch_name, transpose = convert_tf_weight_name_to_pt_weight_name(name, tf_weight_shape=file[group][name].shape)
                number = re.search(r"(?:_\._|layers\.)(\d+)", name)
                parts = [group, name, torch_name, transpose.value]
                if number:
                    parts[1] = name[:number.start(1)] + "{}" + name[number.end(1):]
                    parts[2] = re.sub(r"\.\d+\.", ".{}.", torch_name, count=1)
                if len(file[group][name].shape) == 2 and name.endswith("/bias:0"):
                    parts[3] = "row"
                lines.setdefault(tuple(parts), []).append(number[1] if number else "")
    for parts, numbers in lines.items():
        print(*parts, *filter(None, numbers))
