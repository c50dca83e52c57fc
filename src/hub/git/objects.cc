#include "hub/git/objects.h"

#include <zlib.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace hearth::hub::git {
namespace {

constexpr size_t kLooseMax = 24;

std::string big_endian_32(uint32_t n) {
  return {static_cast<char>(n >> 24), static_cast<char>(n >> 16), static_cast<char>(n >> 8), static_cast<char>(n)};
}

// The pack's object header: type and size, seven bits a byte after the first four.
std::string pack_header(git_object_t type, uint64_t size) {
  std::string out(1, static_cast<char>((static_cast<unsigned>(type) << 4) | (size & 15)));
  for (size >>= 4; size != 0; size >>= 7) {
    out.back() = static_cast<char>(out.back() | 0x80);
    out.push_back(static_cast<char>(size & 0x7f));
  }
  return out;
}

Result<std::string> deflated(std::string_view bytes) {
  std::string out(compressBound(bytes.size()), '\0');
  uLongf size = out.size();
  const int r = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                          bytes.size(), Z_BEST_SPEED);
  if (r != Z_OK) return Status(Code::internal, "zlib cannot compress an object");
  out.resize(size);
  return out;
}

std::string_view mode_text(git_filemode_t mode) {
  switch (mode) {
    case GIT_FILEMODE_TREE:
      return "40000";
    case GIT_FILEMODE_BLOB_EXECUTABLE:
      return "100755";
    case GIT_FILEMODE_LINK:
      return "120000";
    case GIT_FILEMODE_COMMIT:
      return "160000";
    default:
      return "100644";
  }
}

}  // namespace

git_oid ObjectBatch::add(git_object_t type, std::string bytes) {
  git_oid id;
  const int r = git_odb_hash(&id, bytes.data(), bytes.size(), type);
  VERIFY(r == 0, "hashing needs no disk");
  objects_.push_back({type, id, std::move(bytes)});
  return id;
}

Status ObjectBatch::write(git_repository* repository) const {
  const auto database = TRY(odb(repository));
  if (objects_.size() > kLooseMax) return write_pack(database.get());
  // libgit2 syncs the folder of each object, not the one where that folder's name is.
  const auto folder = path_join(git_repository_path(repository), "objects");
  const bool new_folder = std::any_of(objects_.begin(), objects_.end(), [&](const Object& object) {
    return !exists(path_join(folder, hex(object.id).substr(0, 2)));
  });
  TRY(write_loose(database.get()));
  return new_folder ? sync_folder(folder) : Status();
}

Status ObjectBatch::write_loose(git_odb* odb) const {
  for (const auto& object : objects_) {
    git_oid written;
    if (const int r = git_odb_write(&written, odb, object.bytes.data(), object.bytes.size(), object.type); r != 0)
      return failure(r, "cannot write to the repository");
  }
  return {};
}

Status ObjectBatch::write_pack(git_odb* odb) const {
  git_odb_writepack* writer = nullptr;
  if (const int r = git_odb_write_pack(&writer, odb, nullptr, nullptr); r != 0)
    return failure(r, "cannot write to the repository");
  const auto close = [](git_odb_writepack* w) { w->free(w); };
  const std::unique_ptr<git_odb_writepack, decltype(close)> guard(writer, close);
  git_indexer_progress progress{};
  Hasher sum(HashKind::sha1);
  const auto append = [&](std::string_view bytes) -> Status {
    sum.update(bytes);
    if (const int r = writer->append(writer, bytes.data(), bytes.size(), &progress); r != 0)
      return failure(r, "cannot write to the repository");
    return {};
  };
  // A pack holds each object once.
  std::vector<const Object*> unique;
  for (const auto& object : objects_) unique.push_back(&object);
  std::sort(unique.begin(), unique.end(), [](auto* a, auto* b) { return git_oid_cmp(&a->id, &b->id) < 0; });
  unique.erase(
      std::unique(unique.begin(), unique.end(), [](auto* a, auto* b) { return git_oid_equal(&a->id, &b->id); }),
      unique.end());
  TRY(append(cat("PACK", big_endian_32(2), big_endian_32(static_cast<uint32_t>(unique.size())))));
  for (const auto* object : unique) {
    TRY(append(pack_header(object->type, object->bytes.size())));
    TRY(append(TRY(deflated(object->bytes))));
  }
  TRY(append(sum.digest()));
  if (const int r = writer->commit(writer, &progress); r != 0) return failure(r, "cannot write to the repository");
  return {};
}

struct TreeEditor::Child {
  Node node;
  std::unique_ptr<Folder> folder;  // set once entered; then `node.id` is stale
};

struct TreeEditor::Folder {
  std::map<std::string, Child, std::less<>> children;
  git_oid id{};
  bool loaded = false, changed = false;
};

TreeEditor::TreeEditor(git_repository* repository, const git_oid* root)
    : repository_(repository), root_(std::make_unique<Folder>()) {
  if (root) {
    root_->id = *root;
  } else {
    root_->loaded = root_->changed = true;
  }
}
TreeEditor::~TreeEditor() = default;

Status TreeEditor::load(Folder& folder) {
  if (folder.loaded) return {};
  const auto found = TRY(tree(repository_, folder.id));
  for (size_t i = 0; i < git_tree_entrycount(found.get()); ++i) {
    const auto* entry = git_tree_entry_byindex(found.get(), i);
    folder.children[git_tree_entry_name(entry)].node = {git_tree_entry_filemode(entry), *git_tree_entry_id(entry)};
  }
  folder.loaded = true;
  return {};
}

Result<std::optional<Node>> TreeEditor::find(std::string_view path) {
  Folder* folder = root_.get();
  const auto parts = split(path, '/');
  for (size_t i = 0; i < parts.size(); ++i) {
    TRY(load(*folder));
    const auto child = folder->children.find(parts[i]);
    if (child == folder->children.end()) return std::optional<Node>();
    auto& found = child->second;
    if (i + 1 == parts.size()) {
      // An entered and changed folder has no id before it is written; callers ask only whether it is one.
      return std::optional<Node>(found.node);
    }
    if (!found.node.is_folder()) return std::optional<Node>();
    if (!found.folder) {
      found.folder = std::make_unique<Folder>();
      found.folder->id = found.node.id;
    }
    folder = found.folder.get();
  }
  return std::optional<Node>();
}

Status TreeEditor::put(std::string_view path, Node node) {
  Folder* folder = root_.get();
  const auto parts = split(path, '/');
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    TRY(load(*folder));
    folder->changed = true;
    const auto [child, is_new] = folder->children.try_emplace(std::string(parts[i]));
    auto& found = child->second;
    if (is_new) {
      found.node.mode = GIT_FILEMODE_TREE;
      found.folder = std::make_unique<Folder>();
      found.folder->loaded = found.folder->changed = true;
    }
    if (!found.node.is_folder())
      return Status(Code::bad_input, cat("cannot put ", path, ": '", parts[i], "' is a file; delete it first"));
    if (!found.folder) {
      found.folder = std::make_unique<Folder>();
      found.folder->id = found.node.id;
    }
    folder = found.folder.get();
  }
  TRY(load(*folder));
  folder->changed = true;
  const auto [child, is_new] = folder->children.try_emplace(std::string(parts.back()));
  if (!is_new && child->second.node.is_folder() != node.is_folder())
    return Status(Code::bad_input,
                  cat("cannot put ", path, ": a ", node.is_folder() ? "file" : "folder", " of that name is there"));
  if (!is_new && node.mode == GIT_FILEMODE_BLOB && child->second.node.mode == GIT_FILEMODE_BLOB_EXECUTABLE)
    node.mode = GIT_FILEMODE_BLOB_EXECUTABLE;  // new content keeps the bit
  child->second.node = node;
  child->second.folder.reset();
  return {};
}

Status TreeEditor::remove(std::string_view path) {
  std::vector<Folder*> way{root_.get()};
  const auto parts = split(path, '/');
  const auto absent = [&] {
    return Status(Code::entry_not_found, cat("A file with the name \"", path, "\" does not exist"));
  };
  for (size_t i = 0;; ++i) {
    TRY(load(*way.back()));
    const auto child = way.back()->children.find(parts[i]);
    if (child == way.back()->children.end()) return absent();
    if (i + 1 == parts.size()) break;
    auto& found = child->second;
    if (!found.node.is_folder()) return absent();
    if (!found.folder) {
      found.folder = std::make_unique<Folder>();
      found.folder->id = found.node.id;
    }
    way.push_back(found.folder.get());
  }
  for (auto* folder : way) folder->changed = true;
  for (size_t i = way.size(); i-- > 0;) {
    way[i]->children.erase(way[i]->children.find(parts[i]));
    if (!way[i]->children.empty()) break;
  }
  return {};
}

Result<git_oid> TreeEditor::write(Folder& folder, ObjectBatch& batch) {
  if (!folder.changed) return folder.id;
  // git sorts a folder as if its name ended with a slash.
  std::vector<std::pair<std::string, const Node*>> order;
  for (auto& [name, child] : folder.children) {
    if (child.folder) child.node.id = TRY(write(*child.folder, batch));
    order.emplace_back(child.node.is_folder() ? name + "/" : name, &child.node);
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [key, node] : order) {
    const std::string_view name(key.data(), key.size() - (node->is_folder() ? 1 : 0));
    text += cat(mode_text(node->mode), " ", name, '\0');
    text.append(reinterpret_cast<const char*>(node->id.id), GIT_OID_RAWSZ);
  }
  return batch.add(GIT_OBJECT_TREE, std::move(text));
}

Result<git_oid> TreeEditor::write(ObjectBatch& batch) {
  return write(*root_, batch);
}

std::string commit_text(const git_oid& tree, const git_oid* parent, std::string_view name, std::string_view email,
                        int64_t time_s, std::string_view message) {
  auto out = cat("tree ", hex(tree), "\n");
  if (parent) out += cat("parent ", hex(*parent), "\n");
  for (const std::string_view who : {"author", "committer"})
    out += cat(who, " ", name, " <", email, "> ", time_s, " +0000\n");
  return cat(out, "\n", message, message.ends_with('\n') ? "" : "\n");
}

}  // namespace hearth::hub::git
