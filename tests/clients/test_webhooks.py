"""Webhooks: managed by the real huggingface_hub, delivered to a real listener, read by its payload models."""
import hashlib
import hmac
import http.server
import json
import threading
import time

import pytest
from huggingface_hub import CommitOperationAdd, HfApi, WebhookPayload, WebhookWatchedItem
from huggingface_hub.errors import HfHubHTTPError

from conftest import Hub


class Listener:
    """Collects what is posted to it. `answers` holds statuses to give first; 200 afterwards."""

    def __init__(self):
        self.calls, self.answers, self.changed = [], [], threading.Condition()
        self.hung = threading.Event()  # set: those who wait at /hangs are answered
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/hangs":
                    outer.hung.wait(60)
                with outer.changed:
                    outer.calls.append((self.path, dict(self.headers), body))
                    status = outer.answers.pop(0) if outer.answers else 200
                    outer.changed.notify_all()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, path):
        return [(headers, body) for where, headers, body in self.calls if where == path]

    def wait(self, path, count, seconds=30):
        """The calls to a path, once there are that many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.of(path)) >= count, seconds), [json.loads(b)["event"] for _, b in self.of(path)]
            return self.of(path)


@pytest.fixture(scope="module")
def listener():
    made = Listener()
    yield made
    made.server.shutdown()


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    made = Hub(tmp_path_factory.mktemp("hub"), "--private-webhooks", "on").start()
    made.alice, made.bob = made.user("alice"), made.user("bob")
    made.alice_read = made.token("alice", "read")
    yield made
    made.stop()


def refused(status, call, *args, **kwargs):
    with pytest.raises(HfHubHTTPError) as caught:
        call(*args, **kwargs)
    assert caught.value.response.status_code == status, caught.value
    return str(caught.value)


def deliveries(hub, webhook):
    status, _, body = hub.call("GET", f"/api/settings/webhooks/{webhook.id}/deliveries", token=hub.alice)
    assert status == 200
    return json.loads(body)


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_manage(hub, alice, bob):
    watched = [WebhookWatchedItem(type="user", name="julien-c"), {"type": "model", "name": "alice/tiny"}]
    made = alice.create_webhook(url="https://example.com/hook", watched=watched, domains=["repo"], secret="s3cret")
    assert (made.url, made.domains, made.secret, made.disabled, made.job) == ("https://example.com/hook", ["repo"], "s3cret", False, None)
    assert made.watched == [watched[0], WebhookWatchedItem(type="model", name="alice/tiny")]
    assert alice.get_webhook(made.id) == made and made in alice.list_webhooks()
    changed = alice.update_webhook(made.id, url="https://example.com/other", domains=["discussion", "repo"])
    assert changed.url.endswith("/other") and changed.domains == ["discussion", "repo"] and changed.secret == "s3cret"
    assert changed.watched == made.watched
    assert alice.disable_webhook(made.id).disabled and not alice.enable_webhook(made.id).disabled
    # Nobody else's.
    assert bob.list_webhooks() == []
    for call in (bob.get_webhook, bob.disable_webhook, bob.delete_webhook):
        refused(404, call, made.id)
    readers = HfApi(endpoint=hub.url, token=hub.alice_read)
    refused(403, readers.create_webhook, url="https://example.com", watched=watched)
    refused(403, readers.delete_webhook, made.id)
    refused(401, HfApi(endpoint=hub.url, token=False).list_webhooks)
    alice.delete_webhook(made.id)
    refused(404, alice.get_webhook, made.id)


@pytest.mark.parametrize("change", [{"url": "ftp://example.com"}, {"url": "https://user:pass@example.com"}, {"url": "http://"},
                                    {"watched": []}, {"watched": [{"type": "planet", "name": "x"}]},
                                    {"watched": [{"type": "model", "name": "no-owner"}]}, {"domains": ["weather"]}, {"domains": []},
                                    {"secret": "line\nbreak"}])
def test_bad_input_is_told(alice, change):
    good = {"url": "https://example.com", "watched": [{"type": "user", "name": "alice"}], "domains": ["repo"]}
    refused(400, alice.create_webhook, **(good | change))


def test_every_event_is_told(hub, alice, bob, listener):
    hook = alice.create_webhook(url=listener.url + "/all", watched=[{"type": "user", "name": "alice"}], secret="s3cret")
    alice.create_repo("alice/told", repo_type="dataset")
    listener.wait("/all", 1)
    done = alice.create_commit("alice/told", [CommitOperationAdd("README.md", b"---\nlicense: mit\n---\n")], commit_message="Card",
                               repo_type="dataset")
    opened = bob.create_pull_request("alice/told", "A change", description="Please", repo_type="dataset")
    said = bob.comment_discussion("alice/told", 1, "Soon?", repo_type="dataset")
    alice.rename_discussion("alice/told", 1, "A good change", repo_type="dataset")
    listener.wait("/all", 6)
    alice.update_repo_settings("alice/told", repo_type="dataset", private=True)
    listener.wait("/all", 7)
    alice.move_repo("alice/told", "alice/moved", repo_type="dataset")
    calls = listener.wait("/all", 8)
    alice.delete_repo("alice/moved", repo_type="dataset")
    calls = listener.wait("/all", 9)
    payloads = []
    for headers, body in calls:
        assert headers["X-Webhook-Secret"] == "s3cret" and headers["Content-Type"] == "application/json"
        assert headers["X-Hearth-Signature-256"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
        payloads.append(WebhookPayload(**json.loads(body)))
    by_event = {}
    for payload in payloads:
        assert payload.webhook.id == hook.id and payload.repo.type == "dataset"
        by_event.setdefault((payload.event.scope, payload.event.action), []).append(payload)
    assert {event: len(some) for event, some in by_event.items()} == {
        ("repo", "create"): 1, ("repo.content", "update"): 2, ("discussion", "create"): 1, ("discussion.comment", "create"): 1,
        ("discussion", "update"): 1, ("repo.config", "update"): 1, ("repo", "move"): 1, ("repo", "delete"): 1}

    created = by_event["repo", "create"][0]
    assert created.repo.name == "alice/told" and not created.repo.private
    assert created.repo.url.web == f"{hub.url}/datasets/alice/told" and created.repo.url.api == f"{hub.url}/api/datasets/alice/told"
    content = {update.ref: update for payload in by_event["repo.content", "update"] for update in payload.updatedRefs}
    assert content["refs/heads/main"].newSha == done.oid and content["refs/pr/1"].oldSha is None
    discussion = by_event["discussion", "create"][0]
    assert discussion.discussion.num == 1 and discussion.discussion.isPullRequest and discussion.discussion.status == "draft"
    assert discussion.discussion.url.web == opened.url and discussion.discussion.changes.base == "refs/heads/main"
    assert discussion.comment.content == "Please"
    comment = by_event["discussion.comment", "create"][0].comment
    assert (comment.id, comment.content, comment.hidden) == (said.id, "Soon?", False)
    assert comment.author.id == discussion.discussion.author.id != discussion.repo.owner.id
    assert by_event["discussion", "update"][0].discussion.title == "A good change"
    moved = by_event["repo", "move"][0]
    assert moved.repo.name == "alice/told" and moved.movedTo.name == "alice/moved" and moved.movedTo.owner.id == moved.repo.owner.id
    assert by_event["repo", "delete"][0].repo.name == "alice/moved"
    until(lambda: all(entry["state"] == "delivered" for entry in deliveries(hub, hook)))
    log = deliveries(hub, hook)
    assert len(log) == 9 and {entry["status"] for entry in log} == {200} and {entry["attempts"] for entry in log} == {1}
    alice.delete_webhook(hook.id)


def test_a_created_branch_is_told(alice, listener):
    alice.create_repo("alice/branched")
    hook = alice.create_webhook(url=listener.url + "/branch", watched=[{"type": "model", "name": "alice/branched"}], domains=["repo"])
    head = alice.model_info("alice/branched").sha
    alice.create_branch("alice/branched", branch="dev")
    alice.create_tag("alice/branched", tag="v1")
    alice.delete_branch("alice/branched", branch="dev")
    payloads = [WebhookPayload(**json.loads(body)) for _, body in listener.wait("/branch", 3)]
    told = {(p.updatedRefs[0].ref, p.updatedRefs[0].oldSha, p.updatedRefs[0].newSha) for p in payloads}
    assert {(p.event.scope, p.event.action) for p in payloads} == {("repo.content", "update")}
    assert told == {("refs/heads/dev", None, head), ("refs/tags/v1", None, head), ("refs/heads/dev", head, None)}
    alice.delete_webhook(hook.id)


def test_rewritten_history_is_told(alice, bob, listener):
    alice.create_repo("alice/rewritten")
    add = lambda path, content, **more: alice.create_commit("alice/rewritten", [CommitOperationAdd(path, content)], commit_message=path, **more)
    add("w.bin", b"\0weights" * 3000)
    alice.create_branch("alice/rewritten", branch="dev")
    alice.create_branch("alice/rewritten", branch="before", revision=alice.list_repo_commits("alice/rewritten")[-1].commit_id)
    heads = lambda: {ref.ref: ref.target_commit for ref in alice.list_repo_refs("alice/rewritten").branches}
    hook = alice.create_webhook(url=listener.url + "/rewritten", watched=[{"type": "model", "name": "alice/rewritten"}], domains=["repo"])
    told = lambda call: WebhookPayload(**json.loads(listener.wait("/rewritten", call)[call - 1][1]))

    old = heads()
    alice.permanently_delete_lfs_files("alice/rewritten", alice.list_lfs_files("alice/rewritten"))
    new = heads()
    assert old["refs/heads/before"] == new["refs/heads/before"]
    payload = told(1)
    assert (payload.event.scope, payload.event.action) == ("repo.content", "update") and payload.repo.head_sha == new["refs/heads/main"]
    assert {(u.ref, u.oldSha, u.newSha) for u in payload.updatedRefs} == {
        (ref, old[ref], new[ref]) for ref in ("refs/heads/main", "refs/heads/dev")}

    alice.super_squash_history("alice/rewritten", branch="dev")
    payload = told(2)
    assert (payload.event.scope, payload.event.action) == ("repo.content", "update")
    assert [(u.ref, u.oldSha, u.newSha) for u in payload.updatedRefs] == [("refs/heads/dev", new["refs/heads/dev"], heads()["refs/heads/dev"])]
    assert payload.repo.head_sha == new["refs/heads/main"]
    alice.delete_webhook(hook.id)


def test_only_what_is_watched_and_may_be_known(hub, alice, bob, listener):
    bob.create_repo("bob/one")
    bob.create_repo("bob/secret", private=True)
    bob.create_repo("bob/secret", repo_type="dataset")
    everything = alice.create_webhook(url=listener.url + "/bob", watched=[{"type": "user", "name": "BOB"}], domains=["discussion"])
    one = alice.create_webhook(url=listener.url + "/one", watched=[{"type": "model", "name": "bob/one"}], domains=["repo"])
    off = alice.create_webhook(url=listener.url + "/off", watched=[{"type": "user", "name": "bob"}])
    alice.disable_webhook(off.id)
    bob.create_discussion("bob/secret", "Unheard of")
    bob.create_discussion("bob/one", "Heard of")
    bob.create_discussion("bob/secret", "The last", repo_type="dataset")
    bob.upload_file(repo_id="bob/one", path_or_fileobj=b"x", path_in_repo="x.txt")
    assert [json.loads(body)["event"]["scope"] for _, body in listener.wait("/one", 1)] == ["repo.content"]
    told = [json.loads(body)["discussion"]["title"] for _, body in listener.wait("/bob", 2)]
    until(lambda: all(entry["state"] == "delivered" for hook in (everything, one) for entry in deliveries(hub, hook)))
    assert sorted(told) == ["Heard of", "The last"] and listener.of("/off") == []
    assert all("secret" not in headers for headers, _ in listener.of("/bob")) and len(listener.of("/one")) == 1
    for hook in (everything, one, off):
        alice.delete_webhook(hook.id)


def test_failed_deliveries_are_tried_again_and_replayed(hub, alice, listener):
    hook = alice.create_webhook(url=listener.url + "/flaky", watched=[{"type": "user", "name": "alice"}], domains=["repo"])
    listener.answers[:] = [500]
    alice.create_repo("alice/flaky")
    listener.wait("/flaky", 1)
    until(lambda: deliveries(hub, hook)[0]["attempts"] == 1)
    entry = deliveries(hub, hook)[0]
    assert entry["state"] == "waiting" and entry["status"] == 500 and "answered 500" in entry["error"]
    first, second = listener.wait("/flaky", 2)
    assert first[1] == second[1] and first[0]["X-Hearth-Delivery"] == second[0]["X-Hearth-Delivery"] == entry["id"]
    until(lambda: deliveries(hub, hook)[0]["state"] == "delivered")
    status, _, body = hub.call("POST", f"/api/settings/webhooks/{hook.id}/deliveries/{entry['id']}/replay", {}, token=hub.alice)
    assert status == 200 and json.loads(body)["id"] != entry["id"]
    assert listener.wait("/flaky", 3)[2][1] == first[1]
    assert hub.call("GET", f"/api/settings/webhooks/{hook.id}/deliveries", token=hub.bob)[0] == 404
    alice.delete_webhook(hook.id)


def test_a_receiver_that_hangs_holds_up_nothing_else(hub, alice, bob, listener):
    hangs = bob.create_webhook(url=listener.url + "/hangs", watched=[{"type": "user", "name": "bob"}], domains=["repo"])
    for i in range(10):
        bob.create_repo(f"bob/hangs-{i}")
    hook = alice.create_webhook(url=listener.url + "/beside", watched=[{"type": "user", "name": "alice"}], domains=["repo"])
    alice.create_repo("alice/beside")
    listener.wait("/beside", 1, seconds=8)  # no attempt at the other is over by then: they take ten seconds
    assert listener.of("/hangs") == []
    bob.delete_webhook(hangs.id)
    listener.hung.set()
    alice.delete_webhook(hook.id)


def test_private_addresses_are_not_called_unless_allowed(make_hub, listener):
    careful = make_hub()
    careful.alice = careful.user("alice")
    alice = HfApi(endpoint=careful.url, token=careful.alice)
    hook = alice.create_webhook(url=listener.url + "/inside", watched=[{"type": "user", "name": "alice"}])
    alice.create_repo("alice/tiny")
    until(lambda: deliveries(careful, hook) and deliveries(careful, hook)[0]["state"] == "failed")
    entry = deliveries(careful, hook)[0]
    assert "private or special address" in entry["error"] and entry["attempts"] == 1 and listener.of("/inside") == []
