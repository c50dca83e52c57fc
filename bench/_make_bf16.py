"""SmolLM2-135M in bf16, made of its Q4_1 file: FOLDER/model.gguf for llama.cpp, FOLDER with safetensors for the others.
Usage: _make_bf16.py FILE HEARTH FOLDER"""
import pathlib
import subprocess
import sys

import gguf
import numpy

source, hearth, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
part = folder.with_name(folder.name + ".part")
subprocess.run([hearth, "convert", source, str(part), "--dtype", "bf16"], check=True)
reader = gguf.GGUFReader(source)
writer = gguf.GGUFWriter(part / "model.gguf", reader.fields["general.architecture"].contents())
for field in reader.fields.values():
    if not field.name.startswith("GGUF.") and field.name not in ("general.architecture", "general.file_type"):
        is_array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(field.name, field.contents(), field.types[0], field.types[-1] if is_array else None)
writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
for tensor in reader.tensors:
    values = numpy.ascontiguousarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), numpy.float32)
    if values.ndim == 1:
        writer.add_tensor(tensor.name, values)
    else:
        writer.add_tensor(tensor.name, gguf.quants.quantize(values, gguf.GGMLQuantizationType.BF16), raw_dtype=gguf.GGMLQuantizationType.BF16)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
part.rename(folder)
