"""The real anthropic package against engines that the hub starts."""
import json

import anthropic
import jsonschema
import pytest
from test_openai import COUNTING, models, tiny  # noqa: F401  (fixtures)
from test_openai_tools import SCHEMAS, WEATHER

GREEDY = {"temperature": 0}  # which the protocol has and this version of the client no longer names
TOOLS = [{"name": name, "description": f"The {name[4:]}.", "input_schema": schema} for name, schema in SCHEMAS.items()]


@pytest.fixture
def client(hub):
    return anthropic.Anthropic(base_url=hub.url, api_key="any", max_retries=0, timeout=60)


def ask(client, model="alice/smol", text="What is 2+2?", **options):
    return client.messages.create(model=model, messages=[{"role": "user", "content": text}], **({"max_tokens": 40, "extra_body": GREEDY} | options))


def test_smollm2_answers(client):
    answer = ask(client)
    assert answer.type == "message" and answer.role == "assistant" and answer.id.startswith("msg_")
    assert "4" in answer.content[0].text and answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens + answer.usage.cache_read_input_tokens == 37 and answer.usage.output_tokens > 1


def test_a_stream_says_the_same(client):
    whole = ask(client, "alice/tiny")
    with client.messages.stream(model="alice/tiny", messages=[{"role": "user", "content": "What is 2+2?"}], max_tokens=40, extra_body=GREEDY) as stream:
        events = [event.type for event in stream]
        made = stream.get_final_message()
    assert made.content[0].text == whole.content[0].text and made.stop_reason == whole.stop_reason == "max_tokens"
    assert made.usage.output_tokens == whole.usage.output_tokens
    assert events[0] == "message_start" and events[1] == "content_block_start" and events[-1] == "message_stop"


def test_system_stop_sequences_and_counts(client):
    stopped = ask(client, text="Count: " + COUNTING, system="You count.", stop_sequences=["13"], max_tokens=60)
    assert stopped.stop_reason in ("stop_sequence", "end_turn") and "13" not in "".join(b.text for b in stopped.content)
    held = client.messages.create(model="alice/tiny", messages=[{"role": "user", "content": "x"}], max_tokens=2000, extra_body={"temperature": 1, "seed": 3}, stop_sequences=list("abcdefghijklmnop"))
    assert held.stop_reason == "stop_sequence" and held.stop_sequence in "abcdefghijklmnop"
    message = [{"role": "user", "content": [{"type": "text", "text": "What is 2+2?"}]}]
    assert client.messages.count_tokens(model="alice/smol", messages=message).input_tokens == 37
    assert client.messages.count_tokens(model="alice/smol", messages=message, system=[{"type": "text", "text": "Be short and exact."}], tools=TOOLS).input_tokens > 100


def test_tools(client):
    asked = {"tools": TOOLS, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}, "max_tokens": 400}
    answer = ask(client, "alice/tiny", **asked)
    (call,) = answer.content
    assert answer.stop_reason == "tool_use" and call.type == "tool_use" and call.id.startswith("toolu_")
    jsonschema.validate(call.input, SCHEMAS[call.name])
    with client.messages.stream(model="alice/tiny", messages=[{"role": "user", "content": "What is 2+2?"}], extra_body=GREEDY, **asked) as stream:
        assert sum(event.type == "input_json" for event in stream) > 3
        assert stream.get_final_message().content[0].input == call.input
    named = ask(client, "alice/smol", "Weather in Paris?", tools=TOOLS, tool_choice={"type": "tool", "name": "get_weather"}, max_tokens=100)
    jsonschema.validate(named.content[0].input, WEATHER)
    given_back = client.messages.create(model="alice/smol", max_tokens=40, extra_body=GREEDY, tools=TOOLS, messages=[
        {"role": "user", "content": "What time is it?"}, {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get_time", "input": {"zone": "UTC"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "12:34"}]}])
    assert "12:34" in given_back.content[0].text


def test_rights_and_errors(hub, client):
    with pytest.raises(anthropic.NotFoundError) as raised:
        ask(anthropic.Anthropic(base_url=hub.url, api_key=hub.bob, max_retries=0), "alice/hidden")
    assert raised.value.body["type"] == "error" and raised.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.AuthenticationError):
        ask(anthropic.Anthropic(base_url=hub.url, api_key="hf_" + "x" * 34, max_retries=0))
    with pytest.raises(anthropic.AuthenticationError):
        ask(client, "alice/hidden")
    assert ask(anthropic.Anthropic(base_url=hub.url, api_key=hub.alice_read), "alice/hidden", max_tokens=2).usage.output_tokens == 2
    for options in ({"extra_body": {"temperature": 9}}, {"max_tokens": 0}, {"tool_choice": {"type": "any"}}, {"text": "x" * 5000, "model": "alice/tiny"},
                    {"tools": [{"type": "web_search_20250305", "name": "web_search"}]}):
        with pytest.raises(anthropic.BadRequestError) as raised:
            ask(client, **options)
        assert raised.value.body["error"]["type"] == "invalid_request_error"
    assert hub.call("POST", "/v1/messages", {"model": "alice/tiny", "messages": []})[0] == 400


def test_an_address_per_model(hub):
    named = anthropic.Anthropic(base_url=hub.url + "/models/alice/tiny", api_key="any")
    assert ask(named, "claude", max_tokens=2).model == "alice/tiny"
