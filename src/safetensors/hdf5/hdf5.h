// HDF5 files as h5py writes them: groups, attributes of texts, and arrays that lie in one piece.
//
// 1. Nothing is trusted: each offset and size is held against the file, and the parts read (headers, messages, links)
//    are counted, so that a file whose parts refer to each other in a circle ends as an error.
// 2. Arrays and texts are views of the file.
// 3. What h5py never writes unless asked is refused by its name: chunks and filters, links beyond the file, indexes of
//    fractal heaps, big-endian numbers, offsets that have not 8 bytes.
//
// Source: HDF5 File Format Specification 3.0; h5py 3.16 writes superblock 0 with symbol tables, and with
// libver="latest" superblock 3 with link messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "safetensors/dtype.h"

namespace hearth {

/// An array of an HDF5 file. Owner of `data`: the file's bytes.
struct Hdf5ArrayView {
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// Reads one file; objects are named by the address of their header. Keeps the headers it has read.
class Hdf5Reader {
 public:
  using Bytes = std::span<const std::byte>;

  /// bad_input when the file does not begin as HDF5; unsupported for a kind of it that is not read.
  static Result<Hdf5Reader> open(Bytes file);

  uint64_t root() const { return root_; }
  /// The object at `path` ("a/b/c") below a group. not_found names the path.
  Result<uint64_t> find(uint64_t group, std::string_view path);
  Result<bool> is_array(uint64_t object);
  Result<Hdf5ArrayView> array(uint64_t object);
  /// An attribute that is a list of texts (an empty list of any type is one too); nothing where it is absent.
  Result<std::optional<std::vector<std::string_view>>> texts(uint64_t object, std::string_view attribute);

 private:
  struct Message {
    uint64_t type = 0, flags = 0;
    Bytes data;
  };
  using Messages = std::vector<Message>;
  using Links = std::unordered_map<std::string_view, uint64_t>;
  using HeapObjects = std::unordered_map<uint64_t, Bytes>;
  struct Type {
    enum class Kind { number, text, heap_text } kind = Kind::number;
    DType dtype = DType::f32;
    uint64_t size = 0;
  };
  struct Space {
    std::vector<int64_t> shape;
    uint64_t count = 1;
  };

  explicit Hdf5Reader(Bytes file) : file_(file) {}

  Status step();
  Result<Bytes> at(uint64_t address, uint64_t size) const;
  Result<const Messages*> header(uint64_t object);
  Status add_messages_v1(uint64_t object, Messages& out);
  Status add_messages_v2(uint64_t object, Messages& out);
  Result<const Links*> links(uint64_t group);
  Status add_symbol_table(Bytes message, Links& out);
  Status add_symbols(uint64_t address, Bytes names, Links& out);
  Status add_link(Bytes message, Links& out);
  Result<std::string_view> heap_text(Bytes reference);
  Result<const HeapObjects*> global_heap(uint64_t address);

  static Result<Type> read_type(Bytes message);
  static Result<Space> read_space(Bytes message);

  Bytes file_;
  uint64_t root_ = 0, steps_ = 0;
  std::unordered_map<uint64_t, Messages> headers_;
  std::unordered_map<uint64_t, Links> links_;
  std::unordered_map<uint64_t, HeapObjects> heaps_;
};

}  // namespace hearth
