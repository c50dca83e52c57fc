#include "base/unicode.h"

#include <algorithm>
#include <span>
#include <vector>

namespace hearth::unicode {

namespace {

#include "base/unicode_tables.inc"

constexpr std::string_view kCategoryNames[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                               "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                               "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs", "Cn"};

// A table as the script writes it: sorted keys, the offset of each value, the values one after another.
struct Mapping {
  std::span<const char32_t> keys;
  const uint16_t* offsets;
  const char32_t* values;

  std::span<const char32_t> find(char32_t key) const {
    const auto it = std::lower_bound(keys.begin(), keys.end(), key);
    if (it == keys.end() || *it != key) return {};
    const auto i = it - keys.begin();
    return {values + offsets[i], values + offsets[i + 1]};
  }
};

constexpr Mapping kLower{kLowerKeys, kLowerOffsets, kLowerValues};
constexpr Mapping kUpper{kUpperKeys, kUpperOffsets, kUpperValues};
constexpr Mapping kTitle{kTitleKeys, kTitleOffsets, kTitleValues};
constexpr Mapping kCanonical{kCanonicalKeys, kCanonicalOffsets, kCanonicalValues};
constexpr Mapping kCompatible{kCompatibleKeys, kCompatibleOffsets, kCompatibleValues};

// Returns false when the table has no row for the code point.
bool append_mapped(std::string& out, const Mapping& mapping, char32_t code_point) {
  const auto to = mapping.find(code_point);
  for (const char32_t c : to) utf8_append(out, c);
  return !to.empty();
}

uint32_t combining_class(char32_t code_point) {
  return record(code_point) >> 24;
}

uint32_t moves_flag(Form form) {
  return static_cast<uint32_t>(nfc_moves) << static_cast<uint32_t>(form);
}

// Hangul syllables are composed by arithmetic (Unicode Standard, section 3.12).
constexpr char32_t kSyllables = 0xAC00, kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11A7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

void append_decomposed(std::vector<Normalized>& out, char32_t c, bool compatible) {
  if (c - kSyllables < kSyllableCount) {
    const char32_t i = c - kSyllables;
    out.push_back({kLeads + i / (kVowelCount * kTailCount), 0});
    out.push_back({kVowels + i / kTailCount % kVowelCount, 1});
    if (i % kTailCount != 0) out.push_back({kTails + i % kTailCount, 1});
    return;
  }
  auto to = compatible ? kCompatible.find(c) : std::span<const char32_t>{};
  if (to.empty()) to = kCanonical.find(c);
  if (to.empty()) out.push_back({c, 0});
  for (size_t i = 0; i < to.size(); ++i) out.push_back({to[i], i == 0 ? 0 : 1});
}

// Each run of marks in the order of their classes, equal classes as they came.
void order_marks(std::vector<Normalized>& text) {
  for (size_t i = 0; i < text.size();) {
    if (combining_class(text[i].code_point) == 0) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < text.size() && combining_class(text[end].code_point) != 0) ++end;
    std::stable_sort(text.begin() + static_cast<ptrdiff_t>(i), text.begin() + static_cast<ptrdiff_t>(end),
                     [](const Normalized& a, const Normalized& b) {
                       return combining_class(a.code_point) < combining_class(b.code_point);
                     });
    i = end;
  }
}

// The primary composite of two code points, or 0.
char32_t composed(char32_t a, char32_t b) {
  if (a - kLeads < kLeadCount && b - kVowels < kVowelCount) {
    return kSyllables + ((a - kLeads) * kVowelCount + (b - kVowels)) * kTailCount;
  }
  if (a - kSyllables < kSyllableCount && (a - kSyllables) % kTailCount == 0 && b > kTails && b < kTails + kTailCount) {
    return a + (b - kTails);
  }
  const uint64_t key = static_cast<uint64_t>(a) << 21 | b;
  const auto it = std::lower_bound(std::begin(kPairKeys), std::end(kPairKeys), key);
  return it != std::end(kPairKeys) && *it == key ? kPairValues[it - std::begin(kPairKeys)] : 0;
}

// Canonical composition (UAX 15): each code point joins the last starter unless a mark of the same or a higher class
// stands between.
void compose(std::vector<Normalized>& text) {
  size_t kept = 0;
  ptrdiff_t starter = -1;
  uint32_t last_class = 0;
  for (const auto c : text) {
    const uint32_t k = combining_class(c.code_point);
    const bool adjacent = starter >= 0 && static_cast<size_t>(starter) + 1 == kept;
    if (starter >= 0 && (adjacent || last_class < k)) {
      auto& first = text[static_cast<size_t>(starter)];
      if (const char32_t joined = composed(first.code_point, c.code_point); joined != 0) {
        first = {joined, first.change + c.change - 1};
        continue;
      }
    }
    if (k == 0) starter = static_cast<ptrdiff_t>(kept);
    last_class = k;
    text[kept++] = c;
  }
  text.resize(kept);
}

}  // namespace

namespace detail {
constinit const uint32_t* const records = kRecords;
constinit const uint16_t* const first_stage = kFirstStage;
constinit const uint8_t* const second_stage = kSecondStage;
}  // namespace detail

std::string_view category_name(Category category) {
  return kCategoryNames[static_cast<size_t>(category)];
}

void append_lower(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c - U'A' < 26 ? c + 32 : c));
  } else if (!append_mapped(out, kLower, c)) {
    utf8_append(out, c);
  }
}

void append_upper(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c - U'a' < 26 ? c - 32 : c));
  } else if (!append_mapped(out, kUpper, c)) {
    utf8_append(out, c);
  }
}

void append_title(std::string& out, char32_t c) {
  if (!append_mapped(out, kTitle, c)) append_upper(out, c);
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) append_lower(out, utf8_next(text, i));
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) append_upper(out, utf8_next(text, i));
  return out;
}

bool is_surely_normal(std::string_view text, Form form) {
  const uint32_t moves = moves_flag(form);
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
    } else if (is(utf8_next(text, i), moves)) {
      return false;
    }
  }
  return true;
}

std::vector<Normalized> normalize_aligned(std::string_view text, Form form) {
  const bool compatible = form == Form::nfkc || form == Form::nfkd;
  std::vector<Normalized> out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) append_decomposed(out, utf8_next(text, i), compatible);
  order_marks(out);
  if (form == Form::nfc || form == Form::nfkc) compose(out);
  return out;
}

std::string normalize(std::string_view text, Form form) {
  if (is_surely_normal(text, form)) return std::string(text);
  std::string out;
  out.reserve(text.size());
  for (const auto& point : normalize_aligned(text, form)) utf8_append(out, point.code_point);
  return out;
}

}  // namespace hearth::unicode
