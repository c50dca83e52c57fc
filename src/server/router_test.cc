#include "server/router.h"

#include <doctest/doctest.h>

using namespace hearth;          // NOLINT(google-build-using-namespace): a test file
using namespace hearth::server;  // NOLINT(google-build-using-namespace): a test file

namespace {

Result<Response> none(Request&) {
  return Status(Code::internal, "never called");
}

constexpr Route kRoutes[] = {
    {"GET", "/", Access::open, none},
    {"GET", "/{list}", Access::open, none},
    {"GET", "/models", Access::open, none},
    {"GET", "/api/models", Access::open, none},
    {"GET", "/api/{kind}/{repo}", Access::metadata, none},
    {"GET", "/api/{kind}/{repo}/tree/{rev}/{path*}", Access::metadata, none},
    {"GET", "/{kind?}/{repo}", Access::metadata, none},
    {"GET", "/{kind?}/{repo}/resolve/{rev}/{path*}", Access::content, none},
    {"POST", "/{kind?}/{repo}/git-upload-pack", Access::content, none},
    {"POST", "/{kind}/{repo}", Access::content, none},
    {"POST", "/{kind}/{repo}/generate", Access::content, none},
};

Router router() {
  std::vector<const Route*> routes;
  for (const auto& route : kRoutes) routes.push_back(&route);
  return Router(routes);
}

std::string_view pattern(std::string_view method, std::string_view path) {
  static const Router kRouter = router();
  auto found = kRouter.find(method, path);
  return found.ok() ? found->route->pattern : std::string_view("none");
}

}  // namespace

TEST_CASE("router: the most literal pattern wins") {
  CHECK(pattern("GET", "/") == "/");
  CHECK(pattern("GET", "/models") == "/models");
  CHECK(pattern("GET", "/models/") == "/models");
  CHECK(pattern("GET", "/api/models") == "/api/models");
  CHECK(pattern("HEAD", "/api/models") == "/api/models");
  CHECK(pattern("GET", "/a/b") == "/{kind?}/{repo}");
  CHECK(pattern("GET", "/datasets/a/b") == "/{kind?}/{repo}");
  CHECK(pattern("GET", "/api/spaces/a/b") == "/api/{kind}/{repo}");
  CHECK(pattern("POST", "/api/models") == "none");
  CHECK(pattern("GET", "/a/b/c/d") == "none");
}

TEST_CASE("router: a model may have the name of what models are asked for") {
  CHECK(pattern("POST", "/models/alice/generate") == "/{kind}/{repo}");
  CHECK(pattern("POST", "/models/alice/generate/generate") == "/{kind}/{repo}/generate");
  CHECK(pattern("POST", "/models/alice/tiny/generate") == "/{kind}/{repo}/generate");
  CHECK(pattern("POST", "/models/gpt2") == "/{kind}/{repo}");
}

TEST_CASE("router: arguments are decoded, revisions may hold slashes") {
  const auto all = router();
  auto found = all.find("GET", "/api/datasets/a/b.c/tree/refs%2Fpr%2F1/x%20y/z");
  REQUIRE(found.ok());
  CHECK(found->argument("kind") == "datasets");
  CHECK(found->argument("repo") == "a/b.c");
  CHECK(found->argument("rev") == "refs/pr/1");
  CHECK(found->argument("path") == "x y/z");
  found = all.find("GET", "/api/models/gpt2/tree/main");
  REQUIRE(found.ok());
  CHECK(found->argument("repo") == "gpt2");
  CHECK(found->argument("path").empty());
  found = all.find("POST", "/spaces/a/b.git/git-upload-pack");
  REQUIRE(found.ok());
  CHECK(found->argument("repo") == "a/b");
  CHECK(found->argument("kind") == "spaces");
}

TEST_CASE("router: broken escapes are refused, nothing matches by accident") {
  const auto all = router();
  for (const char* bad : {"/a/b/resolve/%zz/x", "/a/b/resolve/main/%00", "/a/b/resolve/main/%ff", "x", ""})
    CHECK(all.find("GET", bad).status().code() == Code::bad_input);
  CHECK(all.find("GET", "//").status().code() == Code::not_found);
  CHECK(all.find("GET", "/a//resolve/main/x").status().code() == Code::not_found);
  CHECK(all.find("GET", std::string(500, '/')).status().code() == Code::not_found);
}
