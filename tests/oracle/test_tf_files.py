"""`hearth convert` of tf_model.h5: the tensors and outputs of PyTorch's checkpoint, bit by bit.

The files are written here by h5py as tf_keras and transformers 4.57 write them; where each weight lies in them, and what
PyTorch calls it, was recorded from the classes themselves (record_tf_names.py). TensorFlow is too large for these tests.
"""
import json

import h5py
import numpy
import pytest
from safetensors.numpy import load_file

import checkpoints
from test_convert import convert, refusal, root, run, without_weights

LISTS = {}  # model: [(group, name in TensorFlow, name in PyTorch, how the array differs), ...]
for line in (root / "tests" / "oracle" / "tf_names.txt").read_text().splitlines():
    words = line.split(" ")
    if words[0] == "=":
        rows = LISTS[words[1]] = []
    else:
        rows += [tuple(word.replace("{}", number) for word in words[:4]) for number in words[4:] or [""]]
# What TensorFlow's classes have and PyTorch's files have not, and what the two call differently (DeBERTa-v2's, where
# transformers' own conversion finds nothing).
SURPLUS = ("predictions.decoder.bias", "mpnet.pooler.", ".embed_positions.")
RENAMED = {"pos_proj": "pos_key_proj", "pos_q_proj": "pos_query_proj"}


@pytest.fixture(scope="module")
def made():
    return checkpoints.make(sorted({name.split(".")[0] for name in LISTS}))


def tf_array(torch_name, way, state):
    renamed = torch_name
    for tf, name in RENAMED.items():
        renamed = renamed.replace(f".{tf}.", f".{name}.")
    value = next((state[name] for name in (torch_name, renamed, torch_name.split(".", 1)[-1]) if name in state), None)
    if value is None:
        assert any(part in torch_name for part in SURPLUS), torch_name
        return numpy.full(4, 7, "f4")
    return {"no": value, "row": value[None], "simple": value.T, "conv1d": value.T}[way]


def save_names(group, name, texts):
    """As Keras: lists over 64512 bytes are cut into equal pieces."""
    array = numpy.asarray(texts)
    pieces = 1
    while any(piece.nbytes > 64512 for piece in numpy.array_split(array, pieces)):
        pieces += 1
    for i, piece in enumerate(numpy.array_split(array, pieces)):
        group.attrs[name if pieces == 1 else f"{name}{i}"] = piece


def save_whole(path, rows, state, **how):
    with h5py.File(path, "w", **how) as file:
        groups = list(dict.fromkeys(row[0] for row in rows))
        save_names(file, "layer_names", [g.encode() for g in groups if g != "top_level_model_weights"] + [b"dropout_37"])
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.21.0"
        for group in sorted({*groups, "dropout_37", "top_level_model_weights"}):
            at = file.create_group(group)
            names = [row[1] for row in rows if row[0] == group]
            save_names(at, "weight_names", [name.encode() for name in names])
            for _, name, torch_name, way in (row for row in rows if row[0] == group):
                at.create_dataset(name, data=tf_array(torch_name, way, state))


def save_shards(folder, rows, state, count):
    """TFPreTrainedModel.save_pretrained: arrays without groups of layers, most of them without the model's name."""
    rows = list({row[1]: row for row in rows}.values())
    parts = [rows[i::count] for i in range(count)]
    files = [f"tf_model-{i + 1:05d}-of-{count:05d}.h5" for i in range(count)]
    for part, name in zip(parts, files):
        with h5py.File(folder / name, "w") as file:
            names = [tf if "model." in tf or "/" not in tf else tf.split("/", 1)[1] for _, tf, _, _ in part]
            for at, (_, _, torch_name, way) in zip(names, part):
                file.create_dataset(at, data=tf_array(torch_name, way, state))
            save_names(file, "layer_names", [at.encode() for at in names])
    index = {"metadata": {"total_size": 0}, "weight_map": {row[1]: name for part, name in zip(parts, files) for row in part}}
    (folder / "tf_model.h5.index.json").write_text(json.dumps(index))


def expect_same(made, name, folder, tmp_path):
    """The folder of TensorFlow's files, converted, is the checkpoint."""
    convert(folder, tmp_path / "out")
    ours, state = load_file(tmp_path / "out" / "model.safetensors"), load_file(made / name / "model.safetensors")
    assert ours.keys() == state.keys()
    for tensor, value in state.items():
        assert ours[tensor].dtype == value.dtype and numpy.array_equal(ours[tensor], value), tensor
    sets = [tmp_path / "out.ours", tmp_path / "out.theirs"]
    for model, out in zip((tmp_path / "out", made / name), sets):
        done = run("forward", model, made / "golden" / f"{name}.safetensors", out)
        assert done.returncode == 0, done.stderr
    ours, theirs = map(load_file, sets)
    assert ours.keys() == theirs.keys() and all(numpy.array_equal(ours[key], theirs[key]) for key in theirs)


@pytest.mark.parametrize("name", LISTS)
def test_every_family(made, name, tmp_path):
    state = load_file(made / name / "model.safetensors")
    folder = without_weights(made / name, tmp_path / "tf")
    save_whole(folder / "tf_model.h5", LISTS[name], state)
    expect_same(made, name, folder, tmp_path)


@pytest.mark.parametrize("name", ["bert.pretrain", "bart.seqcls", "t5.s2s"])
def test_shards(made, name, tmp_path):
    state = load_file(made / name / "model.safetensors")
    folder = without_weights(made / name, tmp_path / "tf")
    save_shards(folder, LISTS[name], state, 3)
    expect_same(made, name, folder, tmp_path)
    (folder / "tf_model-00002-of-00003.h5").unlink()
    assert "tf_model-00002-of-00003.h5" in refusal(folder, tmp_path / "missing")


@pytest.mark.parametrize("how", [{"libver": "latest"}, {"libver": "v108"}, {"track_order": True}, {"userblock_size": 0}])
def test_other_hdf5(made, how, tmp_path):
    """Superblocks 2 and 3 with headers of version 2, and groups of links in place of symbol tables."""
    name = "distilbert.qa"
    folder = without_weights(made / name, tmp_path / "tf")
    save_whole(folder / "tf_model.h5", LISTS[name], load_file(made / name / "model.safetensors"), **how)
    expect_same(made, name, folder, tmp_path)


def small(path, **arrays):
    """A BERT of one layer's group "bert" with these arrays, and its configuration."""
    (path.parent / "config.json").write_text('{"model_type": "bert", "architectures": ["BertForMaskedLM"]}')
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"bert"]
        group = file.create_group("bert")
        group.attrs["weight_names"] = [f"m/bert/{name}:0".encode() for name in arrays]
        for name, value in arrays.items():
            group[f"m/bert/{name}:0"] = value
    return path


def test_numbers_and_texts(tmp_path):
    """Each type of number, scalars, empty and compact arrays, names of variable length, and more of them than one attribute holds."""
    values = {t: numpy.arange(6).reshape(2, 3).astype(t) for t in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")}
    arrays = {f"{t}/weight": value for t, value in values.items()} | {"scalar/weight": numpy.float32(3), "empty/weight": numpy.zeros((0, 4), "f4")}
    path = small(tmp_path / "tf_model.h5", **arrays)
    many = [f"m/bert/{'long' * 50}{i}/bias:0" for i in range(1000)]
    with h5py.File(path, "a") as file:
        texts = h5py.string_dtype()
        file.attrs["layer_names"] = numpy.array(["bert", "bert2", "many"], dtype=texts)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        group = file.create_group("bert2")
        compact = h5py.h5d.create(group.id, b"compact", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple((3,)), plist)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, numpy.array([1, 2, 3], "f4"))
        group["m/compact/bias:0"] = group["compact"]
        group.attrs["weight_names"] = numpy.array(["m/compact/bias:0"], dtype=texts)
        group = file.create_group("many")
        save_names(group, "weight_names", [name.encode() for name in many])
        assert "weight_names3" in group.attrs
        for i, name in enumerate(many):
            group[name] = numpy.full(2, i, "f4")
    convert(path, tmp_path / "out.safetensors")
    ours = load_file(tmp_path / "out.safetensors")
    assert len(ours) == len(arrays) + 1 + len(many)
    for name, value in arrays.items():
        assert ours[f"bert.{name.replace('/', '.')}"].dtype == value.dtype and numpy.array_equal(ours[f"bert.{name.replace('/', '.')}"], value)
    assert ours["compact.bias"].tolist() == [1, 2, 3]
    assert all(ours[name[2:-2].replace("/", ".")].tolist() == [i, i] for i, name in enumerate(many))


def test_refusals(tmp_path):
    """What is no such file, or not all of it, ends as an error that names what was found."""
    out, path = tmp_path / "out.safetensors", tmp_path / "tf_model.h5"
    small(path, **{"a/relative_kernel": numpy.ones(2, "f4")})
    assert "bert/a/relative_kernel" in refusal(path, out)
    small(path, **{"a/kernel": numpy.ones((2, 3), "f4")})
    (tmp_path / "config.json").write_text('{"model_type": "vit"}')
    assert "'vit' is not read from TensorFlow's files (albert, bart," in refusal(path, out)
    (tmp_path / "config.json").unlink()
    assert "needs config.json" in refusal(path, out)
    small(path, **{"a/kernel": numpy.ones((2, 3), "f4")})
    with h5py.File(path, "a") as file:
        file["bert"].attrs["weight_names"] = [b"m/bert/a/kernel:0", b"m/bert/absent:0"]
    assert "the file holds no 'm/bert/absent:0'" in refusal(path, out)
    for how, words in (({"chunks": (1, 3)}, "chunks"), ({"compression": "gzip"}, "compressed")):
        small(path)
        with h5py.File(path, "a") as file:
            file["bert"].create_dataset("m/bert/b/kernel:0", data=numpy.ones((2, 3), "f4"), **how)
            file["bert"].attrs["weight_names"] = [b"m/bert/b/kernel:0"]
        error = refusal(path, out)
        assert words in error and "h5repack" in error
    small(path, **{"a/kernel": numpy.ones((2, 3), ">f4")})
    assert "big-endian" in refusal(path, out)
    with h5py.File(path, "w") as file:
        file["a"] = numpy.ones(3)
    assert "layer_names" in refusal(path, out)
    small(path, **{"a/kernel": numpy.ones((2, 3), "f4")})
    with h5py.File(path, "a") as file:  # two layers that disagree of one variable
        file.attrs["layer_names"] = [b"bert", b"head"]
        file["head/m/bert/a/kernel:0"] = numpy.zeros((2, 3), "f4")
        file["head"].attrs["weight_names"] = [b"m/bert/a/kernel:0"]
    assert "stands twice, with different values" in refusal(path, out)


def test_files_that_lie(tmp_path):
    """Cut anywhere, a group that is in itself, sizes and counts beyond the file: an error, never a crash."""
    out, path, cut = tmp_path / "out.safetensors", tmp_path / "tf_model.h5", tmp_path / "cut.h5"
    small(path, **{"a/kernel": numpy.ones((2, 3), "f4"), "b/bias": numpy.ones(3, "f4")})
    content = path.read_bytes()
    for size in [0, 4, 8, 60, 95, *range(100, len(content) - 24, len(content) // 20)]:
        cut.write_bytes(content[:size])
        assert refusal(cut, out)
    with h5py.File(path, "a") as file:  # layer after layer the same group
        file["bert/again"] = file["bert"]
        file["bert"].attrs["weight_names"] = [b"again/" * 200 + b"m/bert/a/kernel:0"]
    convert(path, out)  # h5py reads it too: the name is a path
    for field, value, words in (  # of the shape (2, 3), as the file has it, and of the data's length
            ((2).to_bytes(8, "little") + (3).to_bytes(8, "little"), (2**40).to_bytes(8, "little") * 2, "larger than any memory"),
            ((2).to_bytes(8, "little") + (3).to_bytes(8, "little"), (2).to_bytes(8, "little") + (4).to_bytes(8, "little"), "where its type and shape say 32"),
            (b"\1\2\1\0\0\0\0\0" + (2).to_bytes(8, "little"), b"\1\xff\1\0\0\0\0\0" + (2).to_bytes(8, "little"), "255 dimensions")):
        assert field in content
        cut.write_bytes(content.replace(field, value, 1))
        assert words in refusal(cut, out)
    # The tree of names refers to itself.
    tree = content.index(b"TREE")
    loop = bytearray(content)
    loop[tree + 32:tree + 40] = tree.to_bytes(8, "little")
    cut.write_bytes(loop)
    assert "SNOD" in refusal(cut, out)
    loop[tree + 5] = 1
    cut.write_bytes(loop)
    assert "a node above itself" in refusal(cut, out)


def test_a_model_is_not_loaded_from_it(made, tmp_path):
    name = "bert.base"
    folder = without_weights(made / name, tmp_path / "tf")
    save_whole(folder / "tf_model.h5", LISTS[name], load_file(made / name / "model.safetensors"))
    done = run("forward", folder, made / "golden" / f"{name}.safetensors", tmp_path / "out")
    assert done.returncode != 0 and f"`hearth convert {folder} NEW_FOLDER`" in done.stderr and "tf_model.h5" in done.stderr
