#include "hub/collections.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "hub/object_id.h"
#include "hub/organisations.h"

namespace hearth::hub {
namespace {

template <class T>
T ok(Result<T> result) {
  REQUIRE_MESSAGE(result.ok(), result.status().message());
  return std::move(result).value();
}
void ok(const Status& status) {
  REQUIRE_MESSAGE(status.ok(), status.message());
}

// An organisation with an administrator, a contributor, a reader, and a stranger outside.
struct Fixture {
  TempFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  User admin = user("admin"), contributor = user("contributor"), reader = user("reader"), stranger = user("stranger");
  Org org = ok(create_org(*hub, {.name = "lab"}, admin));

  Fixture() {
    ok(set_member(*hub, org, contributor, OrgRole::contributor));
    ok(set_member(*hub, org, reader, OrgRole::read));
  }
  User user(std::string name) { return ok(hub->accounts().create_user(name, "correct horse")); }
  Caller as(const User& user) { return ok(hub->accounts().caller_of(user)); }
  // Read alone, and listed: the two rules of sight must say the same.
  bool sees(const User& user, const Collection& collection) {
    const bool read = get_collection(*hub, as(user), collection.slug()).ok();
    bool listed = false;
    for (const auto& one : ok(list_collections(*hub, as(user), {})).collections) listed |= one.id == collection.id;
    CHECK(read == listed);
    return read;
  }
};

}  // namespace

TEST_CASE("collections: an organisation's are its members' to see and its contributors' to change") {
  Fixture f;
  CHECK(create_collection(*f.hub, f.as(f.stranger), {.owner = "lab", .title = "Plans"}).status().code() ==
        Code::forbidden);
  CHECK(create_collection(*f.hub, f.as(f.reader), {.owner = "lab", .title = "Plans"}).status().code() ==
        Code::forbidden);
  const auto plans =
      ok(create_collection(*f.hub, f.as(f.contributor), {.owner = "lab", .title = "Plans", .is_private = true}))
          .collection;
  for (const auto* who : {&f.admin, &f.contributor, &f.reader}) CHECK(f.sees(*who, plans));
  CHECK(!f.sees(f.stranger, plans));
  CHECK(update_collection(*f.hub, f.as(f.reader), plans, {.title = "Mine"}).status().code() == Code::forbidden);
  CHECK(delete_collection(*f.hub, f.as(f.stranger), plans).code() == Code::not_found);
  CHECK(ok(update_collection(*f.hub, f.as(f.contributor), plans, {.title = "Ours"})).title == "Ours");
}

TEST_CASE("collections: in a resource group its members' roles count, administrators keep everything") {
  Fixture f;
  const auto plans =
      ok(create_collection(*f.hub, f.as(f.admin), {.owner = "lab", .title = "Plans", .is_private = true})).collection;
  ok(f.hub->db()
         .execute("INSERT INTO resource_groups (org_id, name, created_ms) VALUES ($1, 'inner', 0)", {f.org.id})
         .status()
         .clone());
  ok(f.hub->db()
         .execute("INSERT INTO resource_group_members (group_id, user_id, role, created_ms) VALUES (1, $1, 'read', 0)",
                  {f.reader.id})
         .status()
         .clone());
  CHECK(set_collection_group(*f.hub, f.as(f.contributor), plans, 1).code() == Code::forbidden);
  CHECK(set_collection_group(*f.hub, f.as(f.admin), plans, 2).code() == Code::not_found);
  ok(set_collection_group(*f.hub, f.as(f.admin), plans, 1));
  CHECK(f.sees(f.admin, plans));
  CHECK(f.sees(f.reader, plans));
  CHECK(!f.sees(f.contributor, plans));
  CHECK(!f.sees(f.stranger, plans));
  ok(set_collection_group(*f.hub, f.as(f.admin), plans, 0));
  CHECK(f.sees(f.contributor, plans));
  const auto own = ok(create_collection(*f.hub, f.as(f.reader), {.title = "Own"})).collection;
  CHECK(set_collection_group(*f.hub, f.as(f.reader), own, 1).code() == Code::bad_input);
}

TEST_CASE("collections: slugs are words and an id") {
  Collection collection{
      .object_id = "64f9a55bb3115b4f513ec026", .owner = {.name = "Lab"}, .title = "  Été & hiver: 2024! "};
  CHECK(collection.slug() == "Lab/t-hiver-2024-64f9a55bb3115b4f513ec026");
  collection.title = "日本";
  CHECK(collection.slug() == "Lab/collection-64f9a55bb3115b4f513ec026");
}

TEST_CASE("arXiv ids: of both schemes, with a version") {
  for (const auto id :
       {"2307.09288", "0704.0001", "2307.09288v2", "hep-th/9901001", "math.GT/0309136", "hep-th/9901001v3"}) {
    INFO(id);
    CHECK(is_arxiv_id(id));
  }
  for (const auto id : {"", "2307", "2307.092", "2307.092888", "23o7.09288", "2307.09288v", "hep-th/990100", "/9901001",
                        "../../9901001", "a b/9901001", "2307.09288/x"}) {
    INFO(id);
    CHECK(!is_arxiv_id(id));
  }
}

TEST_CASE("object ids: numbers come back, others have none") {
  CHECK(number_of_object_id(object_id_of(7)) == 7);
  CHECK(number_of_object_id(object_id_of(INT64_MAX)) == INT64_MAX);
  CHECK(!number_of_object_id("64f9a55bb3115b4f513ec026").has_value());
  CHECK(!number_of_object_id(std::string(24, '0')).has_value());
  CHECK(!number_of_object_id("7").has_value());
  CHECK(new_object_id() != new_object_id());
  CHECK(is_object_id(new_object_id()));
}

}  // namespace hearth::hub
