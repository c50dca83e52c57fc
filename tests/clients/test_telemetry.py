"""What is seen of engines from outside: Prometheus' page read by prometheus_client, log lines, traces taken by an OTLP receiver
that reads them with opentelemetry-proto, and the live page."""
import base64
import http.server
import json
import os
import pathlib
import re
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import expect, sync_playwright
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "tests" / "oracle"))
import checkpoints  # noqa: E402

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
received, headers_seen = [], []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers_seen.append((self.path, dict(self.headers)))
        message = json.loads(body)
        for group in message["resourceSpans"]:  # in OTLP's JSON ids are hex, in protobuf's base64
            for scope in group["scopeSpans"]:
                for span in scope["spans"]:
                    for key in ("traceId", "spanId", "parentSpanId"):
                        if key in span:
                            span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
        received.append(json_format.ParseDict(message, ExportTraceServiceRequest()))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def collector():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def hub(tmp_path_factory, collector):
    from conftest import Hub

    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_SERVICE_NAME": "tests",
                "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test"}  # fmt: skip
    os.environ.update(settings)
    hub = Hub(tmp_path_factory.mktemp("hub"), "--metrics", "loopback", "--log-format", "json")
    hub.start()
    for name in settings:
        del os.environ[name]
    hub.alice = hub.user("alice")
    folder = checkpoints.make(["llama3.causal", "st-mean"], 0)
    card = tmp_path_factory.mktemp("card") / "README.md"
    for name, checkpoint, task in (("text", "llama3.causal", "text-generation"), ("vectors", "st-mean", "sentence-similarity")):
        hub.run("repos", "create", f"alice/{name}", token=hub.alice)
        hub.run("upload", f"alice/{name}", folder / checkpoint, token=hub.alice)
        card.write_text(f"---\npipeline_tag: {task}\n---\n")
        hub.run("upload", f"alice/{name}", card, "README.md", token=hub.alice)
    yield hub
    hub.stop()


def post(hub, path, body, **headers):
    request = urllib.request.Request(hub.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"} | headers)
    try:
        return urllib.request.urlopen(request, timeout=60).read()
    except urllib.error.HTTPError as error:
        return error.read()


def families(hub, path="/metrics"):
    text = urllib.request.urlopen(hub.url + path).read().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families, name, **labels):
    family = next(f for n, f in families.items() if name in (n, n + "_total", n + "_sum", n + "_count", n + "_bucket"))
    return sum(s.value for s in family.samples if s.name == name and labels.items() <= s.labels.items())


def wait_for(found, seconds=10):
    end = time.monotonic() + seconds
    while not (out := found()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return out


@pytest.fixture(scope="module")
def asked(hub):
    body = {"inputs": "Alice met Bob.", "parameters": {"max_new_tokens": 6, "do_sample": False}}
    post(hub, "/models/alice/text/generate", body)
    post(hub, "/models/alice/text/generate", body)
    post(hub, "/models/alice/text/generate_stream", body, traceparent=f"00-{TRACE}-{PARENT}-01")
    post(hub, "/models/alice/text/generate", body, traceparent=f"00-{'1' * 32}-{PARENT}-00")  # the asker does not record
    post(hub, "/models/alice/text/v1/chat/completions", {"messages": [], "max_tokens": 2})  # refused
    post(hub, "/models/alice/text/generate", {"inputs": ""})
    post(hub, "/models/alice/vectors/embed", {"inputs": ["a text", "another"]})
    post(hub, "/models/alice/vectors/embed", {"inputs": ""})
    return hub


def test_prometheus(asked):
    def done():
        all = families(asked)
        return "tgi_request_success" in all and value(all, "tgi_request_success_total") + value(all, "tgi_request_success") >= 4 and all

    all = wait_for(done)
    assert value(all, "tgi_request_duration_count", model="alice/text") == 4
    assert value(all, "tgi_request_generated_tokens_sum") == 24 and value(all, "tgi_request_max_new_tokens_sum") == 24
    assert value(all, "tgi_request_input_length_sum") > 8
    text = urllib.request.urlopen(asked.url + "/metrics").read().decode()
    assert 'tgi_request_count{model="alice/text"} 6' in text
    assert 'tgi_request_failure{model="alice/text",err="validation"} 2' in text
    for name in ("tgi_request_validation_duration", "tgi_request_queue_duration", "tgi_request_inference_duration", "tgi_request_mean_time_per_token_duration"):
        assert value(all, name + "_count") == 4, name
    bounds = [float(s.labels["le"]) for s in all["tgi_request_duration"].samples if s.name.endswith("_bucket")]
    assert bounds[:2] == pytest.approx([0.00015, 0.000225]) and len(bounds) == 36
    assert value(all, "tgi_batch_forward_duration_count", method="prefill") >= 2 and value(all, "tgi_batch_decode_duration_count", method="decode") >= 5
    for gauge in ("tgi_batch_current_size", "tgi_queue_size", "vllm:num_requests_running", "vllm:num_requests_waiting"):
        assert value(all, gauge) == 0
    assert value(all, "tgi_batch_max_total_tokens") > value(all, "tgi_batch_current_max_tokens") > 0
    assert {"tgi_batch_filter_duration", "tgi_batch_concat_duration", "tgi_request_skipped_tokens", "tgi_batch_next_size"} <= set(all)
    assert value(all, "vllm:generation_tokens_total") == 24 and value(all, "vllm:prompt_tokens_total") == value(all, "tgi_request_input_length_sum")
    assert 0 < value(all, "vllm:prefix_cache_hits_total") < value(all, "vllm:prefix_cache_queries_total")
    assert value(all, "vllm:request_success_total", finished_reason="length", model_name="alice/text", engine="0") == 4
    for name in ("time_to_first_token_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds"):
        assert value(all, f"vllm:{name}_count") == 4, name
    assert value(all, "vllm:inter_token_latency_seconds_count") >= 20 and 0 < value(all, "vllm:kv_cache_usage_perc") < 1

    assert 'te_request_count{model="alice/vectors",method="batch"} 1' in text and 'te_request_failure{model="alice/vectors",err="validation"} 1' in text
    assert value(all, "te_batch_next_size_sum") == 2 and value(all, "te_request_duration_count") == 1 and value(all, "te_queue_size") == 0
    assert value(all, "te_request_input_length_count") == 2
    own = families(asked, "/models/alice/text/metrics")
    assert value(own, "tgi_request_duration_count") == 4 and "te_request_duration" not in own


def test_log_lines(asked):
    def lines():
        out = []
        for line in asked.log.read_text().splitlines():
            if line.startswith("{") and json.loads(line)["room"] == "request":
                out.append(json.loads(line))
        return len(out) >= 8 and out

    out = wait_for(lines)
    text = [line for line in out if line["model"] == "alice/text"]
    first, second = text[:2]
    assert first["text"] == "/generate" and first["level"] == "info" and first["end"] == "length" and len(first["id"]) > 8
    assert first["tokens_out"] == 6 and first["tokens_cached"] == 0 and second["tokens_cached"] > 0 and first["tokens_in"] == second["tokens_in"] > 2
    assert first["first_token_ms"] > 0 and first["tokens_per_s"] > 0 and first["queue_ms"] >= 0
    assert [line["end"] for line in text].count("validation") == 2
    vectors = next(line for line in out if line["model"] == "alice/vectors")
    assert vectors["texts"] == 2 and vectors["tokens_in"] > 4 and vectors["text"] == "/embed"


def spans():
    return [(group, span) for message in received for group in message.resource_spans for scope in group.scope_spans for span in scope.spans]


def test_traces(asked):
    trace = bytes.fromhex(TRACE)
    group, request = wait_for(lambda: [s for s in spans() if s[1].trace_id == trace and s[1].kind == 2])[0]
    assert request.parent_span_id.hex() == PARENT and request.name == "POST /generate_stream"
    attributes = {a.key: a.value.string_value or a.value.int_value for a in request.attributes}
    assert attributes["gen_ai.request.model"] == "alice/text" and attributes["gen_ai.usage.output_tokens"] == 6
    assert attributes["gen_ai.response.finish_reasons"] == "length" and attributes["http.route"] == "/generate_stream"
    parts = {s.name: s for _, s in spans() if s.trace_id == trace and s.parent_span_id == request.span_id}
    assert set(parts) == {"queue", "prefill", "decode"}
    assert request.start_time_unix_nano <= parts["queue"].start_time_unix_nano <= parts["prefill"].start_time_unix_nano < parts["decode"].start_time_unix_nano
    assert parts["decode"].end_time_unix_nano <= request.end_time_unix_nano and abs(request.end_time_unix_nano / 1e9 - time.time()) < 300
    resource = {a.key: a.value.string_value for a in group.resource.attributes}
    assert resource["service.name"] == "tests" and resource["deployment.environment"] == "test"
    path, headers = headers_seen[0]
    assert path == "/v1/traces" and headers["Content-Type"] == "application/json" and headers["x-key"] == "a b"

    roots = wait_for(lambda: [r for r in [s for _, s in spans() if s.kind == 2 and not s.parent_span_id]] if sum(s.kind == 2 for _, s in spans()) >= 5 else None)
    assert len({s.trace_id for s in roots}) == len(roots) >= 4  # those without a traceparent are traces of their own
    assert sum(s.status.code == 2 for s in roots) == 2  # refused
    assert all(s.trace_id.hex() != "1" * 32 for _, s in spans())


def test_the_live_page(asked):
    for path in ("/engine", "/api/admin/engines"):
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(asked.url + path)
    asked.user("root", "--admin")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--no-first-run"])
        page = browser.new_page(base_url=asked.url)
        page.goto("/login?next=/engine")
        page.get_by_label(re.compile("name", re.I)).first.fill("root")
        page.get_by_label(re.compile("password", re.I)).first.fill("correct horse battery")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/engine")
        card = page.get_by_role("article").filter(has_text="alice/text")
        expect(card).to_contain_text("ready")
        expect(card).to_contain_text("First token")
        expect(page.get_by_role("article").filter(has_text="alice/vectors")).to_contain_text("Texts")
        requests = card.locator("div", has_text="Requests").locator("dd")
        before = int(requests.inner_text())
        post(asked, "/models/alice/text/generate", {"inputs": "Alice", "parameters": {"max_new_tokens": 3}})
        expect(requests).to_have_text(str(before + 1), timeout=10_000)  # by itself
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if folder := os.environ.get("HEARTH_SCREENSHOTS"):
                page.screenshot(path=f"{folder}/engines-{width}.png")
        browser.close()
