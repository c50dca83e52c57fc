#include "base/code.h"

namespace hearth {
namespace {

constexpr CodeRow kRows[] = {
    {Code::ok, "ok", 200, 0, ""},
    {Code::bad_input, "bad_input", 400, 2, ""},
    {Code::unauthenticated, "unauthenticated", 401, 3, ""},
    {Code::forbidden, "forbidden", 403, 3, ""},
    {Code::gated, "gated", 403, 3, "GatedRepo"},
    {Code::not_found, "not_found", 404, 4, ""},
    {Code::repo_not_found, "repo_not_found", 404, 4, "RepoNotFound"},
    {Code::revision_not_found, "revision_not_found", 404, 4, "RevisionNotFound"},
    {Code::entry_not_found, "entry_not_found", 404, 4, "EntryNotFound"},
    {Code::conflict, "conflict", 409, 5, ""},
    {Code::precondition, "precondition", 412, 5, ""},
    {Code::too_large, "too_large", 413, 2, ""},
    {Code::range, "range", 416, 2, ""},
    {Code::unsupported, "unsupported", 501, 2, ""},
    {Code::busy, "busy", 429, 6, ""},
    {Code::unavailable, "unavailable", 503, 6, ""},
    {Code::cancelled, "cancelled", 499, 130, ""},
    {Code::no_space, "no_space", 507, 7, ""},
    {Code::io, "io", 500, 7, ""},
    {Code::internal, "internal", 500, 1, ""},
};

constexpr bool rows_in_order() {
  int index = 0;
  for (const auto& row : kRows)
    if (static_cast<int>(row.code) != index++) return false;
  return index == static_cast<int>(Code::internal) + 1;
}
static_assert(rows_in_order(), "one row a code, in the order of the enum");

}  // namespace

const CodeRow& code_row(Code code) {
  return kRows[static_cast<int>(code)];
}

}  // namespace hearth
