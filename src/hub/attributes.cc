#include "hub/attributes.h"

#include <cctype>
#include <optional>

#include "base/files.h"
#include "base/text.h"

namespace hearth::hub {
namespace {

constexpr size_t kLinesMax = 10'000;
// Patterns come from outside: matching may not take exponential time.
constexpr int kStepsMax = 100'000;

bool in_class(std::string_view name, unsigned char c) {
  if (name == "space") return std::isspace(c) != 0;
  if (name == "digit") return std::isdigit(c) != 0;
  if (name == "alpha") return std::isalpha(c) != 0;
  if (name == "alnum") return std::isalnum(c) != 0;
  if (name == "upper") return std::isupper(c) != 0;
  if (name == "lower") return std::islower(c) != 0;
  if (name == "punct") return std::ispunct(c) != 0;
  if (name == "xdigit") return std::isxdigit(c) != 0;
  return false;
}

// Matches `c` against the bracket expression at `pattern[index] == '['` and moves past it; nothing when it never
// closes.
bool match_bracket(std::string_view pattern, size_t& index, unsigned char c, bool& closed) {
  size_t i = index + 1;
  const bool negated = i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^');
  if (negated) ++i;
  bool found = false;
  closed = false;
  for (bool first = true; i < pattern.size(); first = false) {
    if (pattern[i] == ']' && !first) {
      closed = true;
      break;
    }
    if (pattern.substr(i).starts_with("[:")) {
      const auto end = pattern.find(":]", i + 2);
      if (end != std::string_view::npos) {
        found |= in_class(pattern.substr(i + 2, end - i - 2), c);
        i = end + 2;
        continue;
      }
    }
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const auto low = static_cast<unsigned char>(pattern[i++]);
    auto high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      high = static_cast<unsigned char>(pattern[i + 1]);
      i += 2;
    }
    found |= low <= c && c <= high;
  }
  index = i + 1;
  return found != negated;
}

bool match(std::string_view pattern, std::string_view text, int& steps) {
  size_t p = 0, t = 0;
  while (p < pattern.size()) {
    if (++steps > kStepsMax) return false;
    if (pattern[p] == '*') {
      const bool at_begin = p == 0 || pattern[p - 1] == '/';
      size_t stars = 0;
      while (p + stars < pattern.size() && pattern[p + stars] == '*') ++stars;
      const bool at_end = p + stars == pattern.size();
      const bool deep = stars >= 2 && at_begin && (at_end || pattern[p + stars] == '/');
      if (deep && at_end) return true;
      if (deep) {  // `**/` is any number of folders, also none
        const auto rest = pattern.substr(p + stars + 1);
        for (size_t from = t;;) {
          if (match(rest, text.substr(from), steps)) return true;
          const auto slash = text.find('/', from);
          if (slash == std::string_view::npos || steps > kStepsMax) return false;
          from = slash + 1;
        }
      }
      const auto rest = pattern.substr(p + stars);
      for (size_t from = t;; ++from) {
        if (match(rest, text.substr(from), steps)) return true;
        if (from == text.size() || text[from] == '/' || steps > kStepsMax) return false;
      }
    }
    if (t == text.size()) return false;
    if (pattern[p] == '[') {
      bool closed = false;
      size_t next = p;
      const bool found = match_bracket(pattern, next, static_cast<unsigned char>(text[t]), closed);
      if (!closed || !found || text[t] == '/') return false;
      p = next;
    } else if (pattern[p] == '?') {
      if (text[t] == '/') return false;
      ++p;
    } else {
      if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
      if (pattern[p] != text[t]) return false;
      ++p;
    }
    ++t;
  }
  return t == text.size();
}

// A pattern without a slash names a file in any folder; with one it is anchored at the root.
bool match_rule(std::string_view pattern, std::string_view path) {
  const bool anchored = contains(pattern, "/");
  if (pattern.starts_with('/')) pattern.remove_prefix(1);
  return wildmatch(pattern, anchored ? path : path_name(path));
}

std::vector<std::string_view> rule_lines(std::string_view text) {
  auto lines = split(text, '\n');
  if (lines.size() > kLinesMax) lines.resize(kLinesMax);
  return lines;
}

}  // namespace

bool wildmatch(std::string_view pattern, std::string_view path) {
  int steps = 0;
  return match(pattern, path, steps);
}

Attributes::Attributes(std::string_view text) {
  for (const auto raw : rule_lines(text)) {
    const auto line = trim(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with('!') || line.starts_with("[attr]")) continue;
    auto end = line.find_first_of(" \t");
    std::string pattern(line.substr(0, end));
    if (line.starts_with('"')) {  // a quoted pattern may hold blanks
      const auto quote = line.find('"', 1);
      if (quote == std::string_view::npos) continue;
      pattern = line.substr(1, quote - 1);
      end = quote + 1;
    }
    if (end == std::string_view::npos) continue;
    std::optional<bool> lfs;
    const auto words = replace_all(line.substr(end), "\t", " ");
    for (const auto word : split(words, ' ')) {
      const auto name = word.substr(word.starts_with('-') || word.starts_with('!') ? 1 : 0);
      if (name == "filter" || name.starts_with("filter=")) lfs = word == "filter=lfs";
    }
    if (lfs) lines_.push_back({std::move(pattern), *lfs});
  }
}

bool Attributes::is_lfs(std::string_view path) const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
    if (match_rule(line->pattern, path)) return line->lfs;
  return false;
}

std::string lfs_attribute_line(std::string_view path) {
  std::string pattern = contains(path, "/") ? "" : "/";
  for (const char c : path) {
    if (c == ' ') {
      pattern += "[[:space:]]";
      continue;
    }
    if (std::string_view("*?[\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return cat(pattern, " filter=lfs diff=lfs merge=lfs -text\n");
}

Ignore::Ignore(std::string_view text) {
  for (auto line : rule_lines(text)) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (line.ends_with(' ') && !line.ends_with("\\ ")) line.remove_suffix(1);
    if (line.empty() || line.starts_with('#')) continue;
    const bool negated = line.starts_with('!');
    if (negated) line.remove_prefix(1);
    const bool folder_only = line.ends_with('/');
    if (folder_only) line.remove_suffix(1);
    if (!line.empty()) lines_.push_back({std::string(line), negated, folder_only});
  }
}

bool Ignore::matches_one(std::string_view path, bool is_folder) const {
  for (auto line = lines_.rbegin(); line != lines_.rend(); ++line)
    if ((is_folder || !line->folder_only) && match_rule(line->pattern, path)) return !line->negated;
  return false;
}

bool Ignore::matches(std::string_view path) const {
  // A file below an ignored folder cannot be taken back.
  for (size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
    if (matches_one(path.substr(0, slash), /*is_folder=*/true)) return true;
  return matches_one(path, /*is_folder=*/false);
}

namespace {

constexpr std::string_view kAttributes = R"(*.7z filter=lfs diff=lfs merge=lfs -text
*.arrow filter=lfs diff=lfs merge=lfs -text
*.bin filter=lfs diff=lfs merge=lfs -text
*.bz2 filter=lfs diff=lfs merge=lfs -text
*.ckpt filter=lfs diff=lfs merge=lfs -text
*.ftz filter=lfs diff=lfs merge=lfs -text
*.gguf filter=lfs diff=lfs merge=lfs -text
*.gz filter=lfs diff=lfs merge=lfs -text
*.h5 filter=lfs diff=lfs merge=lfs -text
*.joblib filter=lfs diff=lfs merge=lfs -text
*.lfs.* filter=lfs diff=lfs merge=lfs -text
*.mlmodel filter=lfs diff=lfs merge=lfs -text
*.model filter=lfs diff=lfs merge=lfs -text
*.msgpack filter=lfs diff=lfs merge=lfs -text
*.npy filter=lfs diff=lfs merge=lfs -text
*.npz filter=lfs diff=lfs merge=lfs -text
*.onnx filter=lfs diff=lfs merge=lfs -text
*.ot filter=lfs diff=lfs merge=lfs -text
*.parquet filter=lfs diff=lfs merge=lfs -text
*.pb filter=lfs diff=lfs merge=lfs -text
*.pickle filter=lfs diff=lfs merge=lfs -text
*.pkl filter=lfs diff=lfs merge=lfs -text
*.pt filter=lfs diff=lfs merge=lfs -text
*.pth filter=lfs diff=lfs merge=lfs -text
*.rar filter=lfs diff=lfs merge=lfs -text
*.safetensors filter=lfs diff=lfs merge=lfs -text
saved_model/**/* filter=lfs diff=lfs merge=lfs -text
*.tar.* filter=lfs diff=lfs merge=lfs -text
*.tar filter=lfs diff=lfs merge=lfs -text
*.tflite filter=lfs diff=lfs merge=lfs -text
*.tgz filter=lfs diff=lfs merge=lfs -text
*.wasm filter=lfs diff=lfs merge=lfs -text
*.xz filter=lfs diff=lfs merge=lfs -text
*.zip filter=lfs diff=lfs merge=lfs -text
*.zst filter=lfs diff=lfs merge=lfs -text
*tfevents* filter=lfs diff=lfs merge=lfs -text
)";

constexpr std::string_view kDatasetAttributes = R"(*.avro filter=lfs diff=lfs merge=lfs -text
*.lz4 filter=lfs diff=lfs merge=lfs -text
*.mds filter=lfs diff=lfs merge=lfs -text
# Audio files - uncompressed
*.pcm filter=lfs diff=lfs merge=lfs -text
*.sam filter=lfs diff=lfs merge=lfs -text
*.raw filter=lfs diff=lfs merge=lfs -text
# Audio files - compressed
*.aac filter=lfs diff=lfs merge=lfs -text
*.flac filter=lfs diff=lfs merge=lfs -text
*.mp3 filter=lfs diff=lfs merge=lfs -text
*.ogg filter=lfs diff=lfs merge=lfs -text
*.wav filter=lfs diff=lfs merge=lfs -text
# Image files - uncompressed
*.bmp filter=lfs diff=lfs merge=lfs -text
*.gif filter=lfs diff=lfs merge=lfs -text
*.png filter=lfs diff=lfs merge=lfs -text
*.tiff filter=lfs diff=lfs merge=lfs -text
# Image files - compressed
*.jpg filter=lfs diff=lfs merge=lfs -text
*.jpeg filter=lfs diff=lfs merge=lfs -text
*.webp filter=lfs diff=lfs merge=lfs -text
# Video files - compressed
*.mp4 filter=lfs diff=lfs merge=lfs -text
*.webm filter=lfs diff=lfs merge=lfs -text
)";

}  // namespace

std::string default_attributes(RepoKind kind) {
  return std::string(kAttributes) + std::string(kind == RepoKind::dataset ? kDatasetAttributes : "");
}

}  // namespace hearth::hub
