// The same questions as features.py, put to @huggingface/hub; one JSON line a feature.
import * as hub from "@huggingface/hub";

const hubUrl = process.env.HF_ENDPOINT;
const accessToken = process.env.HF_TOKEN;
const useXet = process.env.HF_HUB_DISABLE_XET !== "1";
const me = (await hub.whoAmI({ accessToken, hubUrl })).name;
const repo = { type: "model", name: `${me}/compat-${process.argv[2]}` };
const common = { repo, accessToken, hubUrl };
const bytes = (n, seed) => {
  const out = new Uint8Array(n);
  let x = seed;
  for (let i = 0; i < n; i++) out[i] = (x = (x * 1103515245 + 12345) & 0x7fffffff) >> 16;
  return out;
};
const large = bytes(3_000_000, 7);
const assert = (condition, what) => {
  if (!condition) throw new Error(`not true: ${what}`);
};
const same = async (blob, expected) => {
  const got = new Uint8Array(await blob.arrayBuffer());
  assert(got.length === expected.length && got.every((b, i) => b === expected[i]), "the bytes are those sent");
};
const all = async (iterable) => {
  const out = [];
  for await (const item of iterable) out.push(item);
  return out;
};

const features = {
  async create_repo() {
    const made = await hub.createRepo({ ...common, license: "mit" });
    assert(made.repoUrl === `${hubUrl}/${repo.name}`, made.repoUrl);
    assert(await hub.repoExists(common), "it exists");
    const hidden = { type: "model", name: `${repo.name}-hidden` };
    await hub.createRepo({ repo: hidden, accessToken, hubUrl, private: true });
    const refused = await hub.fileExists({ repo: hidden, hubUrl, path: "README.md" }).catch((error) => error);
    assert(refused instanceof hub.HubApiError && refused.statusCode === 401, `a private repository: ${refused}`);
    await hub.deleteRepo({ repo: hidden, accessToken, hubUrl });
  },
  async upload_small() {
    await hub.uploadFile({ ...common, file: { path: "config.json", content: new Blob(['{"a": 1}']) } });
    await same(await hub.downloadFile({ ...common, path: "config.json" }), new TextEncoder().encode('{"a": 1}'));
  },
  async upload_large() {
    await hub.uploadFile({ ...common, useXet, file: { path: "large.bin", content: new Blob([large]) } });
    await same(await hub.downloadFile({ ...common, path: "large.bin", xet: useXet }), large);
  },
  async tree_and_paths() {
    const files = await all(hub.listFiles({ ...common, recursive: true, expand: true }));
    assert(files.find((f) => f.path === "large.bin")?.size === large.length, "the size of large.bin");
    const [info] = await hub.pathsInfo({ ...common, paths: ["large.bin"], expand: true });
    assert(info.lfs?.size === large.length && info.lastCommit, "paths-info");
  },
  async repo_info() {
    const info = await hub.modelInfo({ name: repo.name, accessToken, hubUrl, additionalFields: ["tags", "author"] });
    assert(info.name === repo.name && info.tags.includes("license:mit"), JSON.stringify(info));
  },
  async list_models() {
    const found = await all(hub.listModels({ search: { owner: me, query: "compat" }, accessToken, hubUrl, limit: 50 }));
    assert(found.some((m) => m.name === repo.name), "it is listed");
  },
  async commits() {
    await hub.commit({
      ...common,
      useXet,
      title: "two at once",
      operations: [
        { operation: "addOrUpdate", path: "sub/new.txt", content: new Blob(["new"]) },
        { operation: "delete", path: "config.json" },
      ],
    });
    const paths = (await all(hub.listFiles({ ...common, recursive: true }))).map((f) => f.path);
    assert(paths.includes("sub/new.txt") && !paths.includes("config.json"), paths.join());
    const commits = await all(hub.listCommits(common));
    assert(commits[0].title === "two at once", commits[0].title);
  },
  async branches_and_tags() {
    await hub.createBranch({ ...common, branch: "dev" });
    await hub.deleteBranch({ ...common, branch: "dev" });
  },
  async pull_requests() {
    const made = await hub.uploadFile({
      ...common,
      isPullRequest: true,
      file: { path: "pr.txt", content: new Blob(["pr"]) },
    });
    assert(/\/discussions\/\d+$/.test(made.pullRequestUrl), made.pullRequestUrl);
  },
  async delete_files() {
    await hub.deleteFiles({ ...common, paths: ["sub/new.txt"] });
    assert(!(await hub.fileExists({ ...common, path: "sub/new.txt" })), "it is gone");
  },
  async delete_repo() {
    await hub.deleteRepo(common);
    assert(!(await hub.repoExists(common)), "it is gone");
  },
};

for (const [feature, run] of Object.entries(features)) {
  let result = "ok";
  try {
    await run();
  } catch (error) {
    result = `${error?.name}: ${error?.message} ${error?.stack?.split("\n")[1] ?? ""}`.slice(0, 2000);
  }
  console.log(JSON.stringify({ feature, result }));
}
process.exit(0);
