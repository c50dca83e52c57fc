"""Likes, follows and collections, driven by the real huggingface_hub as its own tests do (TestCollectionAPI)."""
import json

import pytest
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError


@pytest.fixture
def repo(alice, request):
    """A fresh model repository of alice's."""
    name = "alice/" + request.node.name.removeprefix("test_")[:60].strip("_")
    alice.create_repo(name)
    return name


def refused(status, call, *args, **kwargs):
    with pytest.raises(HfHubHTTPError) as caught:
        call(*args, **kwargs)
    assert caught.value.response.status_code == status, caught.value
    return str(caught.value)


def post(hub, path, token=None, body=None, method="POST"):
    status, _, answer = hub.call(method, path, body if body is not None else {}, token=token)
    return status, json.loads(answer)


# ---- likes ----


def test_likes(hub, alice, bob, anyone, repo):
    alice.create_repo(repo + "-secret", private=True)
    alice.create_repo(repo, repo_type="dataset")
    for path, token in ((f"/api/models/{repo}", hub.bob), (f"/api/models/{repo}", hub.bob), (f"/api/datasets/{repo}", hub.bob),
                        (f"/api/models/{repo}", hub.alice), (f"/api/models/{repo}-secret", hub.alice)):
        assert post(hub, path + "/like", token) == (200, {"liked": True})
    assert anyone.model_info(repo).likes == 2
    assert [user.username for user in anyone.list_repo_likers(repo)] == ["alice", "bob"]
    likes = anyone.list_liked_repos("bob")
    assert (likes.models, likes.datasets, likes.spaces, likes.total) == ([repo], [repo], [], 2)
    # A private repository is in nobody's public list, not even shown to its owner.
    assert alice.list_liked_repos("alice").models == [repo] and alice.list_liked_repos().user == "alice"
    bob.unlike(repo)
    bob.unlike(repo)
    assert anyone.model_info(repo).likes == 1 and anyone.list_liked_repos("bob").models == []
    with pytest.raises(RepositoryNotFoundError):
        bob.unlike("alice/none")
    with pytest.raises(RepositoryNotFoundError):
        bob.unlike(repo + "-secret")
    assert post(hub, f"/api/models/{repo}/like")[0] == 401
    assert post(hub, f"/api/models/{repo}/like", hub.alice_read)[0] == 403
    refused(404, anyone.list_liked_repos, "nobody-here")


def test_likers_in_pages(hub, anyone, repo):
    for token in (hub.alice, hub.bob):
        post(hub, f"/api/models/{repo}/like", token)
    status, headers, body = hub.call("GET", f"/api/models/{repo}/likers?limit=1")
    assert [user["user"] for user in json.loads(body)] == ["bob"]
    following = headers["Link"].split(">")[0].lstrip("<").removeprefix(hub.url)
    status, headers, body = hub.call("GET", following)
    assert [user["user"] for user in json.loads(body)] == ["alice"] and headers["Link"] is None


# ---- follows ----


def test_follows(hub, anyone):
    assert post(hub, "/api/users/alice/follow", hub.bob) == (200, {"following": True})
    assert post(hub, "/api/users/ALICE/follow", hub.bob) == (200, {"following": True})
    assert [user.username for user in anyone.list_user_followers("alice")] == ["bob"]
    assert [user.username for user in anyone.list_user_following("bob")] == ["alice"]
    assert post(hub, "/api/users/bob/follow", hub.bob)[0] == 400
    assert post(hub, "/api/users/nobody-here/follow", hub.bob)[0] == 404
    assert post(hub, "/api/organizations/alice/follow", hub.bob)[0] == 404
    assert post(hub, "/api/users/alice/follow")[0] == 401
    assert post(hub, "/api/users/alice/follow", hub.bob, method="DELETE") == (200, {"following": False})
    assert list(anyone.list_user_followers("alice")) == []


# ---- collections ----


def test_collection_of_everything(hub, alice, bob, anyone, repo):
    alice.create_repo(repo, repo_type="dataset")
    alice.create_repo(repo + "-secret", private=True)
    nested = alice.create_collection("Nested one")
    made = alice.create_collection("My *best* models!", description="All of them")
    assert made.slug.startswith("alice/my-best-models-") and len(made.slug.split("-")[-1]) == 24
    assert made.url == f"{hub.url}/collections/{made.slug}" and made.items == [] and not made.private
    for item_id, item_type, note in ((repo, "model", "The first"), (repo, "dataset", None), (nested.slug, "collection", None),
                                     ("2307.09288", "paper", None), (repo + "-secret", "model", None)):
        after = alice.add_collection_item(made.slug, item_id, item_type, note=note)
    assert [(item.item_id, item.item_type, item.note, item.position) for item in after.items] == [
        (repo, "model", "The first", 0), (repo, "dataset", None, 1), (nested.slug, "collection", None, 2),
        ("2307.09288", "paper", None, 3), (repo + "-secret", "model", None, 4)]
    # What others may not know of is not shown to them.
    assert repo + "-secret" not in [item.item_id for item in anyone.get_collection(made.slug).items]
    refused(409, alice.add_collection_item, made.slug, repo, "model")
    assert alice.add_collection_item(made.slug, repo, "model", exists_ok=True).slug == made.slug
    refused(404, alice.add_collection_item, made.slug, "alice/none", "model")
    refused(400, alice.add_collection_item, made.slug, "no paper", "paper")
    refused(404, bob.add_collection_item, nested.slug + "0", repo, "model")
    refused(403, bob.add_collection_item, made.slug, repo, "space")
    refused(403, bob.delete_collection_item, made.slug, after.items[0].item_object_id)

    alice.update_collection_item(made.slug, after.items[0].item_object_id, note="Not the first", position=2)
    moved = alice.get_collection(made.slug).items
    assert [item.item_type for item in moved[:3]] == ["dataset", "collection", "model"] and moved[2].note == "Not the first"
    alice.delete_collection_item(made.slug, moved[0].item_object_id)
    alice.delete_collection_item(made.slug, moved[0].item_object_id, missing_ok=True)
    refused(404, alice.delete_collection_item, made.slug, moved[0].item_object_id)
    left = alice.get_collection(made.slug).items
    assert [item.position for item in left] == [0, 1, 2, 3] and left[0].item_type == "collection"
    # A deleted repository leaves no hole that others see.
    alice.delete_repo(repo)
    assert [item.item_type for item in anyone.get_collection(made.slug).items] == ["collection", "paper"]


def test_collection_metadata_and_old_slugs(alice, bob, anyone):
    made = alice.create_collection("First title")
    changed = alice.update_collection_metadata(made.slug, title="Second title", description="New", theme="pink", position=3)
    assert (changed.title, changed.description, changed.theme, changed.position) == ("Second title", "New", "pink", 3)
    assert changed.slug.startswith("alice/second-title-") and changed.slug[-24:] == made.slug[-24:]
    assert anyone.get_collection(made.slug).slug == changed.slug
    assert "theme 'mauve'" in refused(400, alice.update_collection_metadata, made.slug, theme="mauve")
    refused(403, bob.update_collection_metadata, made.slug, title="Mine")
    refused(403, bob.delete_collection, made.slug)
    refused(401, anyone.delete_collection, made.slug)
    alice.delete_collection(made.slug)
    refused(404, alice.delete_collection, made.slug)
    alice.delete_collection(made.slug, missing_ok=True)


def test_collection_titles_are_the_owners_once(alice, bob):
    made = alice.create_collection("Once")
    refused(409, alice.create_collection, "Once")
    again = alice.create_collection("Once", description="Changed", exists_ok=True)
    assert again.slug == made.slug and again.description is None
    assert bob.create_collection("Once").slug != made.slug
    refused(403, bob.create_collection, "Another", namespace="alice")
    refused(404, bob.create_collection, "Another", namespace="nobody-here")
    refused(400, bob.create_collection, "x" * 121)


def test_private_collections_are_not_there(hub, alice, bob, anyone, repo):
    secret = alice.create_collection("A secret plan", private=True)
    alice.add_collection_item(secret.slug, repo, "model")
    for api in (bob, anyone):
        refused(404, api.get_collection, secret.slug)
        assert secret.slug not in [c.slug for c in api.list_collections(owner="alice")]
        assert secret.slug not in [c.slug for c in api.list_collections(item=f"models/{repo}")]
    refused(404, bob.update_collection_metadata, secret.slug, private=False)
    refused(404, bob.delete_collection, secret.slug)
    refused(404, bob.add_collection_item, bob.create_collection("Around").slug, secret.slug, "collection")
    assert secret.slug in [c.slug for c in alice.list_collections(owner="alice")]
    alice.update_collection_metadata(secret.slug, private=False)
    assert anyone.get_collection(secret.slug).title == "A secret plan"


def test_list_collections(hub, alice, bob, anyone, repo):
    alice.create_repo(repo, repo_type="dataset")
    slugs = [bob.create_collection(f"Listed {i}").slug for i in range(5)]
    bob.add_collection_item(slugs[0], repo, "model")
    bob.add_collection_item(slugs[1], repo, "dataset")
    listed = lambda **query: [c.slug for c in anyone.list_collections(owner="bob", **query) if "/listed-" in c.slug]
    assert set(listed()) == set(slugs) and len(list(anyone.list_collections(owner="bob", limit=2))) == 2
    assert listed(item=f"models/{repo}") == [slugs[0]]
    assert set(listed(item=[f"models/{repo}", f"datasets/{repo}"])) == set(slugs[:2])
    assert listed(item="models/alice/none") == []
    assert post(hub, f"/api/collections/{slugs[3]}/upvote", hub.alice) == (200, {"upvotes": 1})
    assert post(hub, f"/api/collections/{slugs[3]}/upvote", hub.alice) == (200, {"upvotes": 1})
    assert listed(sort="upvotes")[0] == slugs[3] == listed(sort="trending")[0]
    assert post(hub, f"/api/collections/{slugs[3]}/upvote", hub.alice, method="DELETE") == (200, {"upvotes": 0})
    # Pages of two lead through all of them.
    path, seen = "/api/collections?owner=bob&q=LISTED&limit=2", []
    while path:
        _, headers, body = hub.call("GET", path)
        seen += [c["slug"] for c in json.loads(body)]
        path = headers["Link"] and headers["Link"].split(">")[0].lstrip("<").removeprefix(hub.url)
    assert sorted(seen) == sorted(slugs)
    assert hub.call("GET", "/api/collections?sort=nonsense")[0] == 400


# ---- papers ----


def test_papers_are_what_repositories_cite(hub, alice, bob, anyone, repo):
    today = anyone.repo_info(repo).created_at.date()
    assert list(anyone.list_papers(query="2307.09288")) == []
    alice.create_repo(repo + "-secret", private=True)
    alice.create_repo(repo, repo_type="dataset")
    for name, kind, ids in ((repo, "model", ["2307.09288"]), (repo, "dataset", ["2307.09288", "2407.21783"]), (repo + "-secret", "model", ["2501.00001"])):
        tags = "".join(f"\n- arxiv:{paper}" for paper in ids)
        alice.upload_file(repo_id=name, repo_type=kind, path_in_repo="README.md", path_or_fileobj=f"---\ntags:{tags}\n---\n".encode())
    assert {paper.id for paper in anyone.list_papers(query="2")} == {"2307.09288", "2407.21783"}
    assert {paper.id for paper in alice.list_papers(query="2501")} == {"2501.00001"}
    info = anyone.paper_info("2307.09288")
    assert [model.id for model in info.linked_models] == [repo] and info.num_total_models == 1
    assert [dataset.id for dataset in info.linked_datasets] == [repo] and info.linked_spaces == []
    assert info.submitted_by.username == "alice" and info.submitted_at.date() == today
    refused(404, anyone.paper_info, "2501.00001")
    refused(404, anyone.paper_info, "1234.56789")
    daily = lambda **query: [paper.id for paper in anyone.list_daily_papers(**query)]
    year, week, _ = today.isocalendar()
    for query in ({}, {"date": f"{today}"}, {"month": f"{today:%Y-%m}"}, {"week": f"{year}-W{week:02}"}, {"submitter": "ALICE"}):
        assert sorted(daily(**query)) == ["2307.09288", "2407.21783"], query
    assert daily(sort="trending")[0] == "2307.09288" and len(daily(limit=1)) == 1 and daily(limit=1, p=2) == []
    assert daily(date="2001-01-01") == daily(month="2001-01") == daily(week="2001-W01") == daily(submitter="bob") == []
    for query in ({"date": "2025-13-40"}, {"month": "2025-13"}, {"week": "2025-W54"}, {"sort": "nonsense"}):
        refused(400, daily, **query)


# ---- notifications ----


def test_notifications(hub, alice, bob, repo):
    opened = bob.create_discussion(repo, "For you, Alice", description="Hello @alice")
    status, _, body = hub.call("GET", "/api/notifications?readStatus=unread", token=hub.alice)
    page = json.loads(body)
    mine = [n for n in page["notifications"] if n["repo"]["name"] == repo]
    assert status == 200 and page["count"]["unread"] >= 1 and len(mine) == 1
    assert mine[0]["discussion"] | {"id": ""} == {"id": "", "num": opened.num, "title": "For you, Alice", "status": "open", "isPullRequest": False}
    assert mine[0]["mentioned"] and not mine[0]["read"] and mine[0]["repo"]["type"] == "model"
    assert post(hub, "/api/discussions/mark-as-read", hub.alice, {"discussionIds": [mine[0]["discussion"]["id"]]})[0] == 200
    page = json.loads(hub.call("GET", "/api/notifications?readStatus=unread", token=hub.alice)[2])
    assert repo not in [n["repo"]["name"] for n in page["notifications"]]
    assert repo not in [n["repo"]["name"] for n in json.loads(hub.call("GET", "/api/notifications", token=hub.bob)[2])["notifications"]]
    assert hub.call("GET", "/api/notifications")[0] == 401 and post(hub, "/api/discussions/mark-as-read", hub.alice_read)[0] == 403
