"""The responses of the real openai package."""
import json

import jsonschema
import openai
import pydantic
import pytest
from test_openai import client, models, tiny  # noqa: F401  (fixtures)
from test_openai_tools import SCHEMAS

TOOLS = [{"type": "function", "name": name, "description": name, "parameters": schema, "strict": True} for name, schema in SCHEMAS.items()]


def ask(client, model="alice/smol", text="What is 2+2?", **options):
    return client.responses.create(model=model, input=text, **({"temperature": 0, "max_output_tokens": 40} | options))


def test_smollm2_responds(client):
    made = ask(client, metadata={"a": "b"})
    assert made.id.startswith("resp_") and made.status == "completed" and "4" in made.output_text and made.error is None
    assert made.usage.input_tokens == 37 and made.usage.total_tokens == 37 + made.usage.output_tokens and made.metadata == {"a": "b"}
    cut = ask(client, max_output_tokens=2)
    assert cut.status == "incomplete" and cut.incomplete_details.reason == "max_output_tokens" and cut.output[0].status == "incomplete"
    assert ask(client, instructions="You count.").usage.input_tokens != 37
    assert ask(client, text=[{"role": "user", "content": [{"type": "input_text", "text": "What is 2+2?"}]}]).output_text == made.output_text


def test_a_stream_in_the_order_that_the_client_wants(client):
    whole = ask(client, "alice/tiny")
    with client.responses.stream(model="alice/tiny", input="What is 2+2?", temperature=0, max_output_tokens=40) as stream:
        events = list(stream)
        last = [e.response for e in events if e.type in ("response.completed", "response.incomplete")][0]
    assert last.output_text == whole.output_text and last.usage.output_tokens == whole.usage.output_tokens
    kinds = [e.type for e in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
    assert kinds[-4:-1] == ["response.output_text.done", "response.content_part.done", "response.output_item.done"]
    assert [e.sequence_number for e in events] == sorted({e.sequence_number for e in events})


def test_a_conversation_goes_on(client):
    first = ask(client, text="My name is Ada. Say hello.")
    second = ask(client, text="What is my name?", previous_response_id=first.id)
    whole = ask(client, text=[{"role": "user", "content": "My name is Ada. Say hello."}, {"role": "assistant", "content": first.output_text}, {"role": "user", "content": "What is my name?"}])
    assert second.previous_response_id == first.id and second.usage.input_tokens == whole.usage.input_tokens > first.usage.total_tokens
    unkept = ask(client, store=False)
    for id in (unkept.id, "resp_x"):
        with pytest.raises(openai.NotFoundError, match="Previous response"):
            ask(client, previous_response_id=id)


def test_a_conversation_is_its_askers_alone(client, hub):
    made = ask(client, text="My name is Ada. Say hello.")
    stranger = openai.OpenAI(base_url=client.base_url, api_key=hub.bob)
    with pytest.raises(openai.NotFoundError, match="Previous response"):
        ask(stranger, previous_response_id=made.id)
    assert ask(client, previous_response_id=made.id).status in ("completed", "incomplete")


def test_tools(client):
    asked = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False, "max_output_tokens": 400}
    made = ask(client, "alice/tiny", **asked)
    (call,) = made.output
    assert call.type == "function_call" and call.call_id.startswith("call_")
    jsonschema.validate(json.loads(call.arguments), SCHEMAS[call.name])
    events = list(ask(client, "alice/tiny", stream=True, **asked))
    assert "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta") == call.arguments
    done = next(e.item for e in events if e.type == "response.output_item.done")
    assert (done.name, done.arguments) == (call.name, call.arguments)
    given = [{"role": "user", "content": "What time is it?"}, {"type": "function_call", "call_id": "c1", "name": "get_time", "arguments": '{"zone": "UTC"}'},
             {"type": "function_call_output", "call_id": "c1", "output": "12:34"}]
    assert "12:34" in ask(client, text=given, tools=TOOLS, tool_choice="none").output_text


def test_parsed_by_a_schema(client):
    class Answer(pydantic.BaseModel):
        city: str = pydantic.Field(max_length=10)
        people: int

    made = client.responses.parse(model="alice/smol", input="Tell of Paris.", text_format=Answer, temperature=0, max_output_tokens=80)
    assert isinstance(made.output_parsed, Answer)


@pytest.mark.parametrize("options", [{"text": 3}, {"background": True}, {"tools": [{"type": "web_search"}]}, {"temperature": 9},
                                     {"text": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]}])
def test_bad_requests(client, options):
    with pytest.raises(openai.BadRequestError):
        ask(client, **options)
