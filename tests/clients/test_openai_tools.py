"""Tool calls through the real clients: what they ask for by schema always parses and validates, of random weights too."""
import json

import huggingface_hub
import jsonschema
import openai
import pytest
from test_openai import ask, client, models, tiny  # noqa: F401  (fixtures)

WEATHER = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"type": "integer", "minimum": 1, "maximum": 7},
                                            "unit": {"enum": ["C", "F"]}}, "required": ["city", "days", "unit"], "additionalProperties": False}
CLOCK = {"type": "object", "properties": {"zone": {"enum": ["UTC", "CET"]}}, "required": ["zone"], "additionalProperties": False}
SCHEMAS = {"get_weather": WEATHER, "get_time": CLOCK}


def tools(strict=False):
    return [{"type": "function", "function": {"name": name, "description": f"The {name[4:]}.", "parameters": schema} | ({"strict": True} if strict else {})}
            for name, schema in SCHEMAS.items()]


def check(calls):
    for call in calls:
        assert call.id.startswith("call_") and call.type == "function"
        jsonschema.validate(json.loads(call.function.arguments), SCHEMAS[call.function.name])
    assert len({call.id for call in calls}) == len(calls)


@pytest.mark.parametrize("temperature", [0, 1.5])
def test_required_calls_are_of_the_schemas(client, temperature):
    answer = ask(client, "alice/tiny", tools=tools(), tool_choice="required", parallel_tool_calls=False, temperature=temperature, seed=4, n=3)
    for choice in answer.choices:
        assert choice.finish_reason == "tool_calls" and choice.message.content is None
        assert len(choice.message.tool_calls) == 1
        check(choice.message.tool_calls)


def test_a_named_call(client):
    choice = ask(client, "alice/tiny", tools=tools(), tool_choice={"type": "function", "function": {"name": "get_time"}}, seed=1).choices[0]
    assert [call.function.name for call in choice.message.tool_calls] == ["get_time"] and choice.finish_reason == "stop"
    check(choice.message.tool_calls)


def test_several_calls_in_one_answer(client):
    """Random weights go on calling until the limit: all calls but the one that is cut are whole."""
    choice = ask(client, "alice/tiny", tools=tools()[1:], tool_choice="required", seed=2, max_tokens=600, temperature=1.5).choices[0]
    calls = choice.message.tool_calls
    check(calls[:-1] if choice.finish_reason == "length" else calls)


def test_streamed_calls_add_up(client):
    asked = {"tools": tools(), "tool_choice": "required", "parallel_tool_calls": False, "temperature": 0}
    whole = ask(client, "alice/tiny", **asked).choices[0].message.tool_calls[0]
    with client.chat.completions.stream(model="alice/tiny", messages=[{"role": "user", "content": "What is 2+2?"}], **asked) as stream:
        events = list(stream)
        made = stream.get_final_completion().choices[0]
    assert made.message.tool_calls[0].function.arguments == whole.function.arguments and made.finish_reason == "tool_calls"
    assert sum(e.type == "tool_calls.function.arguments.delta" for e in events) > 3
    assert [e.name for e in events if e.type == "tool_calls.function.arguments.done"] == [whole.function.name]


def test_strict_tools_hold_what_smollm2_calls_by_itself(client):
    choice = ask(client, "alice/smol", "Use get_weather: what is the weather in Paris for the next 3 days, in C?", tools=tools(strict=True), temperature=0, max_tokens=200).choices[0]
    check(choice.message.tool_calls or [])
    assert choice.finish_reason in ("tool_calls", "stop", "length")
    assert choice.message.tool_calls or choice.message.content


def test_smollm2_fills_a_call_with_what_was_said(client):
    choice = ask(client, "alice/smol", "What is the weather in Paris?", tools=tools()[:1], tool_choice="required", parallel_tool_calls=False, temperature=0).choices[0]
    check(choice.message.tool_calls)
    assert json.loads(choice.message.tool_calls[0].function.arguments)["city"].startswith("Paris")


def test_a_result_is_given_back(client):
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": '{"zone": "UTC"}'}}
    messages = [{"role": "user", "content": "What time is it?"}, {"role": "assistant", "content": None, "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": "12:34"}]
    asked = {"model": "alice/smol", "tools": tools(), "temperature": 0, "max_tokens": 40}
    with_result = client.chat.completions.create(messages=messages, **asked)
    assert with_result.usage.prompt_tokens > client.chat.completions.create(messages=messages[:1], **asked).usage.prompt_tokens
    assert "12:34" in with_result.choices[0].message.content


def test_no_calls_where_none_are_wanted(client):
    none = ask(client, "alice/smol", tools=tools(), tool_choice="none", temperature=0, max_tokens=5)
    plain = ask(client, "alice/smol", temperature=0, max_tokens=5)
    assert none.usage.prompt_tokens == plain.usage.prompt_tokens and not none.choices[0].message.tool_calls


@pytest.mark.parametrize("options", [{"tool_choice": "required"}, {"tools": [{"type": "function", "function": {"name": "no spaces"}}]},
                                     {"tools": [], "tool_choice": {"type": "function", "function": {"name": "f"}}}, {"tools": [{"type": "code_interpreter"}]},
                                     {"tools": [{"type": "function", "function": {"name": "f", "strict": True, "parameters": {"not": {}}}}], "tool_choice": "required"}])
def test_tools_that_cannot_be(client, options):
    with pytest.raises(openai.BadRequestError):
        ask(client, "alice/tiny", **options)


def test_the_client_of_huggingface_hub(hub):
    inference = huggingface_hub.InferenceClient(base_url=hub.url + "/models/alice/tiny", timeout=60)
    asked = {"messages": [{"role": "user", "content": "Where?"}], "tools": tools(), "tool_choice": "required", "seed": 1, "max_tokens": 400}
    check(inference.chat_completion(**asked).choices[0].message.tool_calls[:1])
    names = [c.choices[0].delta.tool_calls[0].function.name for c in inference.chat_completion(**asked, stream=True) if c.choices and c.choices[0].delta.tool_calls]
    assert names[0] in SCHEMAS
