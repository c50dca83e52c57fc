"""_tokenizers_make.py KIND OUT TEXTS: the tokenizer.json of a kind, by the original libraries."""
import io
import sys

import _common
import tokenizers as tk

kind, path, texts = sys.argv[1:4]
if kind == "bpe":
    import gguf

    fields = gguf.GGUFReader(_common.smollm2()).fields
    get = lambda name: fields[f"tokenizer.ggml.{name}"].contents()
    tokens, types = get("tokens"), get("token_type")
    t = tk.Tokenizer(tk.models.BPE({x: i for i, x in enumerate(tokens)}, [tuple(m.split(" ")) for m in get("merges")]))
    # GPT-2's pattern alone, which every peer has a fast way for; SmolLM2 also cuts digits apart.
    t.pre_tokenizer = tk.pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = tk.decoders.ByteLevel()
    t.add_special_tokens([tk.AddedToken(x, special=True, normalized=False) for x, k in zip(tokens, types) if k == 3])
elif kind == "wordpiece":
    # BERT's parts around a vocabulary of its size, trained here on half of the text.
    t = tk.Tokenizer(tk.models.WordPiece(unk_token="[UNK]"))
    t.normalizer, t.pre_tokenizer = tk.normalizers.BertNormalizer(lowercase=True), tk.pre_tokenizers.BertPreTokenizer()
    t.decoder = tk.decoders.WordPiece()
    trainer = tk.trainers.WordPieceTrainer(vocab_size=30522, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    t.train_from_iterator((d.decode() for d in open(texts, "rb").read().split(b"\0")[::2]), trainer)
else:
    import sentencepiece

    lines = [line for d in open(texts, "rb").read().split(b"\0")[::2] for line in d.decode().split("\n") if line.strip()]
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=32000, model_type="unigram", input_sentence_size=100_000,
        shuffle_input_sentence=True, minloglevel=2, num_threads=2, hard_vocab_limit=False)
    proto = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    vocabulary = [(proto.id_to_piece(i), proto.get_score(i)) for i in range(proto.get_piece_size())]
    t = tk.Tokenizer(tk.models.Unigram(vocabulary, unk_id=proto.unk_id()))
    t.normalizer = tk.normalizers.NFKC()
    t.pre_tokenizer = tk.pre_tokenizers.Metaspace()
    t.decoder = tk.decoders.Metaspace()
t.save(path)
