#include "server/shell.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace hearth;          // NOLINT(google-build-using-namespace): a test file
using namespace hearth::server;  // NOLINT(google-build-using-namespace): a test file

TEST_CASE("shell: no content ends the data block or the title") {
  Shell shell;
  shell.title = "</title><script>alert(1)</script>";
  shell.description = "\"><script>alert(2)</script>";
  shell.data = Json::Object{{"page", "home"}, {"x", "</script><script>alert(3)</script>&<!--"}};
  const auto html = render_shell(shell);
  CHECK_FALSE(contains(html, "<script>alert"));
  const auto begin = html.find("id=\"data\">") + 10, end = html.find("</script>", begin);
  const auto data = Json::parse(std::string_view(html).substr(begin, end - begin));
  REQUIRE(data.ok());
  CHECK((*data)["x"].as_string() == "</script><script>alert(3)</script>&<!--");
}

TEST_CASE("shell: only the two themes reach the page") {
  Shell shell;
  shell.theme = "dark";
  CHECK(contains(render_shell(shell), "<html lang=\"en\" data-theme=\"dark\">"));
  shell.theme = "x\" onload=\"y";
  CHECK(contains(render_shell(shell), "<html lang=\"en\">"));
}
