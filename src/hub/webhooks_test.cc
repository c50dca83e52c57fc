#include "hub/webhooks.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "base/text.h"
#include "hub/social.h"

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

struct Fixture {
  TempFolder temp;
  std::unique_ptr<Hub> hub = ok(Hub::open(temp.path()));
  Caller alice{.user = ok(hub->accounts().create_user("alice", "correct horse"))};
  Caller bob{.user = ok(hub->accounts().create_user("bob", "battery staple"))};

  Webhook watch(const Caller& by, Watched watched, std::vector<std::string> domains = {"repo", "discussion"}) {
    return ok(create_webhook(*hub, by,
                             {.url = "https://example.com/hook",
                              .secret = {},
                              .watched = std::vector<Watched>{std::move(watched)},
                              .domains = std::move(domains)},
                             "http://hub"));
  }
  StoredEvent last() {
    auto events = ok(events_after(hub->db(), 0, 1000));
    REQUIRE(!events.empty());
    return events.back();
  }
  int64_t deliver(const Webhook& webhook, int64_t event_id) {
    auto transaction = ok(hub->db().begin());
    const auto id = ok(add_delivery(transaction, webhook, event_id,
                                    Json::Object{{"event", Json::Object{{"scope", "repo"}, {"action", "create"}}}}));
    ok(transaction.commit());
    return id.value_or(0);
  }
};

}  // namespace

TEST_CASE("webhooks: a deleted private repository is told to those who knew of it alone") {
  Fixture f;
  const auto mine = f.watch(f.bob, {"user", "bob"});
  f.watch(f.alice, {"user", "bob"});
  const auto repo = ok(f.hub->create_repo({.id = {RepoKind::model, "bob", "secret"}, .is_private = true}));
  ok(f.hub->delete_repo(repo, "bob"));
  const auto told = ok(matching_webhooks(*f.hub, f.last()));
  REQUIRE(told.size() == 1);
  CHECK(told[0].webhook.object_id == mine.object_id);
  CHECK(told[0].payload["event"]["action"].as_string() == "delete");
  CHECK(told[0].payload["repo"]["name"].as_string() == "bob/secret");
}

TEST_CASE("webhooks: what happened before one was made is not told to it") {
  Fixture f;
  ok(f.hub->create_repo({.id = {RepoKind::model, "bob", "early"}}).status().clone());
  f.watch(f.alice, {"model", "bob/early"});
  CHECK(ok(matching_webhooks(*f.hub, f.last())).empty());
}

TEST_CASE("webhooks: an event is one delivery however often its work is repeated; a replay is another") {
  Fixture f;
  const auto webhook = f.watch(f.alice, {"user", "bob"});
  CHECK(f.deliver(webhook, 7) != 0);
  CHECK(f.deliver(webhook, 7) == 0);
  CHECK(f.deliver(webhook, 0) != 0);
  CHECK(f.deliver(webhook, 0) != 0);
  CHECK(ok(list_deliveries(*f.hub, webhook)).size() == 3);
}

TEST_CASE("webhooks: failures in a row disable one, a success between them does not count") {
  Fixture f;
  const auto webhook = f.watch(f.alice, {"user", "bob"});
  int64_t event = 0;
  const auto fail = [&](int64_t times) {
    for (int64_t i = 0; i < times; ++i) {
      const auto found = ok(delivery_to_make(*f.hub, f.deliver(webhook, ++event)));
      REQUIRE(found.has_value());
      ok(finish_attempt(*f.hub, found->delivery, 500, "answered 500", /*last=*/false));
      ok(finish_attempt(*f.hub, found->delivery, 500, "answered 500", /*last=*/true));
    }
  };
  const auto disabled = [&] { return ok(get_webhook(*f.hub, f.alice, webhook.object_id)).disabled; };
  fail(kFailuresMax - 1);
  const auto good = ok(delivery_to_make(*f.hub, f.deliver(webhook, ++event)));
  ok(finish_attempt(*f.hub, good->delivery, 200, "", /*last=*/false));
  CHECK(!ok(delivery_to_make(*f.hub, good->delivery.id)).has_value());
  fail(kFailuresMax - 1);
  CHECK(!disabled());
  fail(1);
  CHECK(disabled());
  CHECK(!ok(delivery_to_make(*f.hub, f.deliver(webhook, ++event))).has_value());
  ok(set_webhook_enabled(*f.hub, f.alice, webhook, true).status().clone());
  fail(kFailuresMax - 1);
  CHECK(!disabled());
}

}  // namespace hearth::hub
