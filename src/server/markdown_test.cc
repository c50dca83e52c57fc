#include "server/markdown.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace hearth;          // NOLINT(google-build-using-namespace): a test file
using namespace hearth::server;  // NOLINT(google-build-using-namespace): a test file

TEST_CASE("markdown: the front matter is no part of the card") {
  CHECK(card_body("---\na: 1\n---\n# T\n") == "# T\n");
  CHECK(card_body("---\r\na: 1\r\n---\r\nT") == "T");
  CHECK(card_body("# T\n---\nx") == "# T\n---\nx");
  CHECK(card_body("---\nnever closed\n") == "---\nnever closed\n");
  CHECK(card_body("---\na: 1\n---") == "");
}

TEST_CASE("markdown: what a stranger writes runs no script") {
  for (const char* attack :
       {"<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=alert(1)>",
        "![x](javascript:alert(1))", "[x](data:text/html;base64,PHNjcmlwdD4=)", "<iframe src='//x'></iframe>",
        "[x](JaVaScRiPt:alert(1))", "<a href='vbscript:x'>y</a>", "`<script>`"}) {
    const auto html = render_markdown(attack, {"/a/b/resolve/main/", "/a/b/blob/main/"});
    const auto lower = to_lower_ascii(html);
    CHECK_MESSAGE(!contains(lower, "<script"), html);
    CHECK_MESSAGE(!contains(lower, "script:"), html);
    CHECK_MESSAGE(!contains(lower, "onerror="), html);
    CHECK_MESSAGE(!contains(lower, "<iframe"), html);
    CHECK_MESSAGE(!contains(lower, "data:text"), html);
  }
}

TEST_CASE("markdown: relative images are files, relative links are pages, others stay") {
  const CardBase base{"/a/b/resolve/main/", "/a/b/blob/main/"};
  CHECK(contains(render_markdown("![x](img/a.png)", base), "src=\"/a/b/resolve/main/img/a.png\""));
  CHECK(contains(render_markdown("[x](./LICENSE)", base), "href=\"/a/b/blob/main/LICENSE\""));
  CHECK(contains(render_markdown("[x](https://e.org/y)", base), "href=\"https://e.org/y\""));
  CHECK(contains(render_markdown("[x](#part)", base), "href=\"#part\""));
  CHECK(contains(render_markdown("|a|b|\n|-|-|\n|1|2|\n", base), "<table>"));
}
