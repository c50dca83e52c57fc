// Calls of @huggingface/inference, read from standard input: {"method", "token"?, "arguments", "stream"?} a line. One JSON
// line an answer: {"answer"} or {"error", "status"}.
import { InferenceClient } from "@huggingface/inference";
import { createInterface } from "node:readline";

async function ask({ method, token, arguments: args, stream }) {
  const client = new InferenceClient(token);
  if (!stream) return client[method](args);
  const out = [];
  for await (const piece of client[method](args)) out.push(piece);
  return out;
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify({ answer: await ask(JSON.parse(line)) }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error.message), status: error.httpResponse?.status, body: error.httpResponse?.body }));
  }
}
