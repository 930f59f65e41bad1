"""Anthropic's own library, with nothing set but ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY."""

import asyncio
import base64

import anthropic

from checks import QUESTION, RESTRICTED_KEY, UNKNOWN_KEY, raises, run, words_in

MODEL = "claude-sonnet-5-5"
MESSAGES = [{"role": "user", "content": QUESTION}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": name, "input_schema": SCHEMA} for name in ("weather", "clock")]


def create(model=MODEL, client=None, **more):
    client = client or anthropic.Anthropic(max_retries=0)
    return client.messages.create(**{"model": model, "max_tokens": 500, "messages": MESSAGES, **more})


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def check_answers_with_usage_and_a_request_id():
    message = create(system="Be kind")
    assert QUESTION in text_of(message)
    assert message.usage.output_tokens == words_in(text_of(message))
    assert len(message._request_id) >= 16


def check_its_stream_helper_puts_a_whole_message_together():
    with anthropic.Anthropic().messages.stream(model=MODEL, max_tokens=500, messages=MESSAGES) as stream:
        heard = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert text_of(message) == heard
    assert message.usage.output_tokens == words_in(heard)
    assert QUESTION in heard


def check_streams_asynchronously():
    async def read():
        async with anthropic.AsyncAnthropic() as client:
            stream = await client.messages.create(model=MODEL, max_tokens=500, messages=MESSAGES, stream=True)
            return [event.type async for event in stream]

    types = asyncio.run(read())
    assert (types[0], types[-2:]) == ("message_start", ["message_delta", "message_stop"])


def check_calls_tools_in_parallel_and_takes_their_results():
    messages = [{"role": "user", "content": "What do weather and clock say?"}]
    message = create(messages=messages, tools=TOOLS)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert [call.name for call in calls] == ["weather", "clock"]
    assert all(set(call.input) == {"city"} for call in calls)
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "fine"} for call in calls]
    turns = [*messages, {"role": "assistant", "content": message.content}, {"role": "user", "content": results}]
    assert create(messages=turns, tools=TOOLS).stop_reason == "end_turn"


def check_tools_arrive_on_streams():
    messages = [{"role": "user", "content": "What do weather and clock say?"}]
    client = anthropic.Anthropic()
    with client.messages.stream(model=MODEL, max_tokens=500, messages=messages, tools=TOOLS) as stream:
        message = stream.get_final_message()
    assert [(block.name, set(block.input)) for block in message.content] == [("weather", {"city"}), ("clock", {"city"})]


def check_thinks_first_with_a_signature_that_stays_whole():
    thinking = {"type": "enabled", "budget_tokens": 1024}
    asked = {"model": MODEL, "max_tokens": 2000, "messages": MESSAGES, "thinking": thinking}
    with anthropic.Anthropic().messages.stream(**asked) as stream:
        thought, text = stream.get_final_message().content
    assert (thought.type, text.type) == ("thinking", "text")
    assert base64.b64decode(thought.signature).startswith(b"simulated ") and thought.thinking


def check_tokens_are_counted_as_usage_counts_them():
    counted = anthropic.Anthropic().messages.count_tokens(model=MODEL, messages=MESSAGES)
    assert counted.input_tokens == create().usage.input_tokens


def check_models_are_listed_page_after_page_and_one_is_looked_up():
    client = anthropic.Anthropic()
    listed = [model.id for model in client.models.list(limit=1)]
    assert MODEL in listed and len(listed) == len(set(listed)) > 1
    assert client.models.retrieve(MODEL).id == MODEL


def check_an_unknown_key_is_an_authentication_error():
    error = raises(anthropic.AuthenticationError, lambda: create(client=anthropic.Anthropic(api_key=UNKNOWN_KEY)))
    assert error.type == "authentication_error"


def check_a_model_that_the_key_may_not_use_is_a_permission_error():
    client = anthropic.Anthropic(api_key=RESTRICTED_KEY)
    assert create("claude-haiku-4-5", client).content
    assert "claude-haiku-4-5" in str(raises(anthropic.PermissionDeniedError, lambda: create(client=client)))


def check_a_model_that_is_nowhere_is_a_not_found_error():
    assert "claude-haiku-4-5" in str(raises(anthropic.NotFoundError, lambda: create("nonesuch")))


def check_a_refused_request_is_a_bad_request_error():
    assert "at least one message" in str(raises(anthropic.BadRequestError, lambda: create(messages=[])))


def check_the_vendors_errors_have_their_classes():
    raises(anthropic.RateLimitError, lambda: create(f"once-{MODEL}@status-429"))
    for status, kind in ((500, "api_error"), (529, "overloaded_error")):
        error = raises(anthropic.InternalServerError, lambda: create(f"once-{MODEL}@status-{status}"))
        assert (error.status_code, error.type) == (status, kind)


def check_the_client_tries_again_where_the_gateway_was_told_not_to():
    flaky = f"once-{MODEL}@status-529@retry-after-ms-1@times-1"
    assert create(flaky, anthropic.Anthropic()).content
    return {"calls": {flaky: 2}}


def check_a_stream_that_is_left_ends_the_vendors_call():
    stalled = f"{MODEL}@stall-after-5"
    stream = create(stalled, stream=True)
    next(iter(stream))
    stream.close()
    return {"aborted": stalled}


def check_the_clients_own_deadline_ends_the_vendors_call():
    silent = f"{MODEL}@silent"
    raises(anthropic.APITimeoutError, lambda: create(silent, anthropic.Anthropic(timeout=0.2, max_retries=0)))
    return {"aborted": silent}


def check_a_stream_that_is_cut_is_an_error_after_the_text_that_came():
    text = []

    def read():
        client = anthropic.Anthropic(max_retries=0)
        with client.messages.stream(model=f"{MODEL}@reset-after-6", max_tokens=500, messages=MESSAGES) as stream:
            for piece in stream.text_stream:
                text.append(piece)

    raises(anthropic.APIError, read)
    assert "".join(text) == f"This is {MODEL},"


run(globals())
