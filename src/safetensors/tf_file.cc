#include "safetensors/tf_file.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "safetensors/hdf5/hdf5.h"

namespace hearth {
namespace {

/// Weights that belong to no layer, such as final_logits_bias.
constexpr std::string_view kTopLevel = "top_level_model_weights";

class Reader {
 public:
  Reader(Hdf5Reader file, size_t file_bytes) : file_(std::move(file)), file_bytes_(file_bytes) {}

  Status read() {
    const auto layers = TRY(list(file_.root(), "layer_names"));
    if (!layers)
      return {Code::bad_input, "an HDF5 file without the attribute 'layer_names' was not saved by a Keras model"};
    bool has_top_level = false;
    for (const auto layer : *layers) {
      const auto object = TRY(file_.find(file_.root(), layer));
      has_top_level |= layer == kTopLevel;
      if (TRY(file_.is_array(object))) {
        // Of a shard: the model's name is left out, but where the rest holds "model.".
        TRY(add(object, contains(layer, "model.") ? below_model(layer) : layer));
      } else {
        TRY(add_layer(object, layer));
      }
    }
    if (has_top_level) return {};
    const auto top_level = file_.find(file_.root(), kTopLevel);
    if (top_level.ok()) return add_layer(*top_level, kTopLevel);
    return top_level.status().code() == Code::not_found ? Status() : top_level.status().clone();
  }
  WeightIndex take() { return std::move(out_); }

 private:
  using Texts = std::vector<std::string_view>;

  static std::string_view below_model(std::string_view name) {
    const auto slash = name.find('/');
    return slash == std::string_view::npos ? name : name.substr(slash + 1);
  }

  /// An attribute that lists names, whole or in pieces.
  Result<std::optional<Texts>> list(uint64_t object, std::string_view attribute) {
    auto whole = TRY(file_.texts(object, attribute));
    if (whole) return whole;
    Texts out;
    for (size_t i = 0;; ++i) {
      const auto piece = TRY(file_.texts(object, cat(attribute, i)));
      if (!piece && i == 0) return std::optional<Texts>();
      if (!piece) return std::optional(std::move(out));
      out.insert(out.end(), piece->begin(), piece->end());
    }
  }

  Status add_layer(uint64_t group, std::string_view layer) {
    const auto names = TRY(list(group, "weight_names"));
    if (!names) return {Code::bad_input, cat("layer '", printable(layer), "' lists no weight_names")};
    for (const auto name : *names) TRY(add(TRY(file_.find(group, name)), below_model(name)));
    return {};
  }

  Status add(uint64_t object, std::string_view name) {
    if (name.ends_with(":0")) name.remove_suffix(2);  // the variable's output
    auto array = file_.array(object);
    if (!array.ok()) return std::move(array).status().with(printable(name));
    bytes_ += array->data.size();
    if (bytes_ > file_bytes_) return {Code::bad_input, "an HDF5 file whose arrays lie upon each other"};
    out_.tensors.push_back(
        {.name = std::string(name), .dtype = array->dtype, .shape = std::move(array->shape), .data = array->data});
    return {};
  }

  Hdf5Reader file_;
  size_t file_bytes_, bytes_ = 0;
  WeightIndex out_;
};

}  // namespace

Result<WeightIndex> read_tf_file(std::span<const std::byte> file) {
  Reader reader(TRY(Hdf5Reader::open(file)), file.size());
  TRY(reader.read());
  auto out = reader.take();
  if (out.tensors.empty()) return Status(Code::bad_input, "an HDF5 file that lists no weights");
  // A variable that two layers share, embeddings above all, is written with each.
  std::ranges::stable_sort(out.tensors, {}, &WeightTensorView::name);
  const auto is_same = [](const WeightTensorView& a, const WeightTensorView& b) {
    return a.name == b.name && a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.data, b.data);
  };
  const auto copies = std::ranges::unique(out.tensors, is_same);
  out.tensors.erase(copies.begin(), copies.end());
  for (size_t i = 1; i < out.tensors.size(); ++i)
    if (out.tensors[i].name == out.tensors[i - 1].name)
      return Status(Code::bad_input,
                    cat("array '", printable(out.tensors[i].name), "' stands twice, with different values"));
  return out;
}

}  // namespace hearth
