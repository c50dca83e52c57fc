#include "tokenizers/auto/sentencepiece.h"

#include <cstring>

#include "base/text.h"

namespace hearth::tokenizers {

namespace {

// One message: its fields one after another. A view of the file's bytes.
class MessageView {
 public:
  explicit MessageView(std::string_view bytes) : rest_(bytes) {}

  struct Field {
    uint64_t number = 0;
    uint64_t value = 0;      // of a varint or fixed field
    std::string_view bytes;  // of a length-delimited one
    int wire = 0;
  };

  bool done() const { return rest_.empty(); }
  Result<Field> next() {
    const uint64_t key = TRY(varint());
    Field out{.number = key >> 3, .wire = static_cast<int>(key & 7)};
    switch (out.wire) {
      case 0:
        out.value = TRY(varint());
        return out;
      case 1:
      case 5:
        out.bytes = TRY(take(out.wire == 1 ? 8 : 4));
        for (size_t i = out.bytes.size(); i-- > 0;)
          out.value = out.value << 8 | static_cast<unsigned char>(out.bytes[i]);
        return out;
      case 2:
        out.bytes = TRY(take(TRY(varint())));
        return out;
      default:
        return Status(Code::bad_input, cat("field ", out.number, " has the wire type ", out.wire));
    }
  }

 private:
  Result<uint64_t> varint() {
    uint64_t out = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(TRY(take(1))[0]);
      out |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return out;
    }
    return Status(Code::bad_input, "a number has more than 10 bytes");
  }
  Result<std::string_view> take(uint64_t size) {
    if (size > rest_.size())
      return Status(Code::bad_input, cat("a field needs ", size, " bytes, ", rest_.size(), " are left"));
    const auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  std::string_view rest_;
};

Result<std::string> text_of(const MessageView::Field& field, std::string_view name) {
  if (field.wire != 2 || !is_utf8(field.bytes)) return Status(Code::bad_input, cat(name, " is not UTF-8"));
  return std::string(field.bytes);
}

Result<SentencePiece> read_piece(std::string_view bytes) {
  SentencePiece out;
  for (MessageView message(bytes); !message.done();) {
    const auto field = TRY(message.next());
    if (field.number == 1) out.text = TRY(text_of(field, "a piece"));
    if (field.number == 2 && field.wire == 5) {
      const auto bits = static_cast<uint32_t>(field.value);
      std::memcpy(&out.score, &bits, sizeof out.score);
    }
    if (field.number == 3 && field.wire == 0 && field.value >= 1 && field.value <= 6)
      out.type = static_cast<PieceType>(field.value);
  }
  if (!(out.score > -1e30f && out.score < 1e30f)) return Status(Code::bad_input, "a score is no finite number");
  return out;
}

Status read_trainer(std::string_view bytes, SentencePieceModel& out) {
  for (MessageView message(bytes); !message.done();) {
    const auto field = TRY(message.next());
    const auto number = static_cast<int64_t>(static_cast<int32_t>(field.value));
    switch (field.number) {
      case 3:
        out.model_type = number;
        break;
      case 24:
        out.treat_whitespace_as_suffix = field.value != 0;
        break;
      case 35:
        out.byte_fallback = field.value != 0;
        break;
      case 40:
        out.unk_id = number;
        break;
      case 41:
        out.bos_id = number;
        break;
      case 42:
        out.eos_id = number;
        break;
      case 44:
        out.unk_surface = TRY(text_of(field, "unk_surface"));
        break;
      case 45:
        out.unk_piece = TRY(text_of(field, "unk_piece"));
        break;
      case 46:
        out.bos_piece = TRY(text_of(field, "bos_piece"));
        break;
      case 47:
        out.eos_piece = TRY(text_of(field, "eos_piece"));
        break;
      default:
        break;
    }
  }
  return {};
}

Status read_normalizer(std::string_view bytes, SentencePieceModel& out) {
  for (MessageView message(bytes); !message.done();) {
    const auto field = TRY(message.next());
    if (field.number == 2 && field.wire == 2) out.precompiled_charsmap = std::string(field.bytes);
    if (field.wire != 0) continue;
    if (field.number == 3) out.add_dummy_prefix = field.value != 0;
    if (field.number == 4) out.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5) out.escape_whitespaces = field.value != 0;
  }
  return {};
}

}  // namespace

Result<SentencePieceModel> SentencePieceModel::parse(std::string_view bytes) {
  SentencePieceModel out;
  for (MessageView message(bytes); !message.done();) {
    const auto field = TRY(message.next());
    if (field.wire != 2) continue;
    if (field.number == 1) {
      auto piece = read_piece(field.bytes);
      if (!piece.ok()) return std::move(piece).status().with(cat("pieces[", out.pieces.size(), "]"));
      out.pieces.push_back(*std::move(piece));
    } else if (field.number == 2) {
      TRY(read_trainer(field.bytes, out));
    } else if (field.number == 3) {
      TRY(read_normalizer(field.bytes, out));
    } else if (field.number == 5) {
      SentencePieceModel denormalizer;
      TRY(read_normalizer(field.bytes, denormalizer));
      out.denormalizer_charsmap = std::move(denormalizer.precompiled_charsmap);
    }
  }
  if (out.pieces.empty()) return Status(Code::bad_input, "there are no pieces: this is no SentencePiece model");
  return out;
}

}  // namespace hearth::tokenizers
