// Edits of a part of a Xet-stored file, as @huggingface/hub sends them: the hub is asked for the hashes around the change.
import { readFileSync } from "node:fs";
import * as hub from "@huggingface/hub";
import { MerkleHashSubtree, getChunks } from "@huggingface/xetchunk-wasm";

const hubUrl = process.env.HF_ENDPOINT;
const accessToken = process.env.HF_TOKEN;
const [name, path, source] = process.argv.slice(2);
const repo = { type: "model", name };
const common = { repo, accessToken, hubUrl };
const equal = (a, b, what) => {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${what}: ${JSON.stringify(a).slice(0, 2000)} is not ${JSON.stringify(b).slice(0, 2000)}`);
};

const bytes = new Uint8Array(readFileSync(source));
await hub.uploadFile({ ...common, useXet: true, file: { path, content: new Blob([bytes]) } });
const blob = await hub.downloadFile({ ...common, path, xet: true });

// What the hub says of the gaps is what the client's own library makes of the same chunks.
const chunks = getChunks(bytes);
const begins = [0];
for (const chunk of chunks) begins.push(begins.at(-1) + chunk.length);
const token = await (await fetch(`${hubUrl}/api/models/${name}/xet-read-token/main`, { headers: { Authorization: `Bearer ${accessToken}` } })).json();
const ask = (ranges) =>
  fetch(`${token.casUrl}/v2/file-chunk-hashes/${blob.hash}`, { headers: { Authorization: `Bearer ${token.accessToken}`, ...(ranges && { "X-Range-Dirty": ranges }) } });
const size = bytes.length;
for (const ranges of [`bytes=0-0`, `bytes=${size - 1}-${size - 1}`, `bytes=${begins[7]}-${begins[7]}`, `bytes=${begins[9] - 1}-${begins[9]}`,
                      `bytes=9000000-9000009,100-200,9100000-9100000`, `bytes=0-${size + 5}`]) {
  const answer = await (await ask(ranges)).json();
  equal([answer.totalChunks, answer.fileSize], [chunks.length, size], ranges);
  equal(answer.hashRanges.length, answer.windows.length + 1, ranges);
  const edges = [0, ...answer.windows.flatMap((w) => w.dirtyByteRange), size];
  for (let i = 0; i < answer.hashRanges.length; i++) {
    const run = chunks.slice(begins.indexOf(edges[2 * i]), begins.indexOf(edges[2 * i + 1]));
    const made = MerkleHashSubtree.fromChunks(i === 0, run, i === answer.hashRanges.length - 1);
    equal(answer.hashRanges[i], run.length ? made.toJSON() : null, `gap ${i} of ${ranges}`);
  }
  for (const [begin, end] of [...ranges.matchAll(/(\d+)-(\d+)/g)].map((m) => [Number(m[1]), Math.min(Number(m[2]) + 1, size)]))
    if (!answer.windows.some((w) => w.dirtyByteRange[0] <= begin && end <= w.dirtyByteRange[1])) throw new Error(`${ranges}: ${begin}-${end} lies in no window`);
}
equal([(await ask()).status, (await ask("bytes=5")).status, (await ask(`bytes=${size}-${size}`)).status], [400, 400, 400], "what is no range");

// And the client's own edits are taken: their shards have the hashes that it composed. The first splits the file into
// parts, the second touches the last of them alone.
const edit = async (...edits) =>
  hub.commit({ ...common, title: "edit", useXet: true,
               operations: [{ operation: "edit", path, originalContent: await hub.downloadFile({ ...common, path, xet: true }), edits }] });
await edit({ content: new Blob(["changed"]), start: 6_000_000, end: 6_000_100 });
await edit({ content: new Blob(["more"]), start: size - 93, end: size - 93 });
