"""OpenAI's own library, with nothing set but OPENAI_BASE_URL and OPENAI_API_KEY."""

import asyncio
import json

import openai
from pydantic import BaseModel

from checks import QUESTION, RESTRICTED_KEY, UNKNOWN_KEY, raises, run, words_in

MESSAGES = [{"role": "user", "content": QUESTION}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in ("weather", "clock")]


def create(model, client=None, **more):
    client = client or openai.OpenAI(max_retries=0)
    return client.chat.completions.create(model=model, messages=MESSAGES, **more)


def check_answers_with_usage_and_a_request_id():
    answer = create("gpt-4o")
    text = answer.choices[0].message.content
    assert QUESTION in text
    assert answer.usage.completion_tokens == words_in(text)
    assert len(answer._request_id) >= 16


def check_streams_and_tells_usage_to_those_alone_who_ask():
    for more in ({}, {"stream_options": {"include_usage": True}}):
        text, usages = "", []
        for chunk in create("gpt-4o", stream=True, **more):
            assert more or len(chunk.choices) == 1
            if chunk.choices:
                text += chunk.choices[0].delta.content or ""
            if chunk.usage:
                usages.append(chunk.usage.completion_tokens)
        assert QUESTION in text
        assert usages == ([words_in(text)] if more else [])


def check_streams_asynchronously():
    async def read():
        text = ""
        async with openai.AsyncOpenAI() as client:
            stream = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
            async for chunk in stream:
                text += chunk.choices[0].delta.content or ""
        return text

    assert QUESTION in asyncio.run(read())


def check_its_stream_helper_puts_a_whole_answer_together():
    with openai.OpenAI().chat.completions.stream(model="gpt-4o", messages=MESSAGES) as stream:
        heard = "".join(event.delta for event in stream if event.type == "content.delta")
        final = stream.get_final_completion()
    assert final.choices[0].message.content == heard
    assert QUESTION in heard


def check_calls_tools_in_parallel_and_takes_their_results():
    client = openai.OpenAI()
    messages = [{"role": "user", "content": "What do weather and clock say?"}]
    message = client.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS).choices[0].message
    assert [call.function.name for call in message.tool_calls] == ["weather", "clock"]
    assert all(set(json.loads(call.function.arguments)) == {"city"} for call in message.tool_calls)
    results = [{"role": "tool", "tool_call_id": call.id, "content": "fine"} for call in message.tool_calls]
    after = client.chat.completions.create(model="gpt-4o", messages=[*messages, message, *results], tools=TOOLS)
    assert after.choices[0].finish_reason == "stop"


def check_structured_output_parses():
    class Person(BaseModel):
        name: str
        age: int

    answer = openai.OpenAI().chat.completions.parse(model="gpt-4o", messages=MESSAGES, response_format=Person)
    assert isinstance(answer.choices[0].message.parsed, Person)


def check_legacy_completions_answer_and_stream():
    client, asked = openai.OpenAI(), {"model": "gpt-3.5-turbo-instruct", "prompt": QUESTION, "max_tokens": 40}
    assert QUESTION in client.completions.create(**asked).choices[0].text
    assert QUESTION in "".join(chunk.choices[0].text for chunk in client.completions.create(**asked, stream=True))


def check_embeddings_are_the_same_as_numbers_and_as_base64():
    asked = {"model": "text-embedding-3-small", "input": ["a river", "two gates"], "dimensions": 64}
    packed = openai.OpenAI().embeddings.create(**asked)
    plain = openai.OpenAI().embeddings.create(**asked, encoding_format="float")
    for one, other in zip(packed.data, plain.data, strict=True):
        assert len(one.embedding) == 64
        assert all(abs(left - right) < 1e-6 for left, right in zip(one.embedding, other.embedding, strict=True))


def check_models_are_listed_and_one_is_looked_up():
    client = openai.OpenAI()
    assert "gpt-4o" in [model.id for model in client.models.list()]
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


def check_an_unknown_key_is_an_authentication_error():
    error = raises(openai.AuthenticationError, lambda: create("gpt-4o", openai.OpenAI(api_key=UNKNOWN_KEY)))
    assert len(error.request_id) >= 16


def check_a_model_that_the_key_may_not_use_is_a_permission_error():
    client = openai.OpenAI(api_key=RESTRICTED_KEY)
    assert create("gpt-4o-mini", client).choices
    assert "gpt-4o-mini" in str(raises(openai.PermissionDeniedError, lambda: create("gpt-4o", client)))


def check_a_model_that_is_nowhere_is_a_not_found_error():
    assert "gpt-4o" in str(raises(openai.NotFoundError, lambda: create("nonesuch")))


def check_a_refused_request_is_a_bad_request_error_with_its_parameter():
    error = raises(openai.BadRequestError, lambda: openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[]))
    assert (error.param, error.code) == ("messages", "empty_array")


def check_the_vendors_errors_have_their_classes():
    for status, kind in ((409, openai.ConflictError), (422, openai.UnprocessableEntityError), (429, openai.RateLimitError)):
        raises(kind, lambda: create(f"once-gpt-4o@status-{status}"))
    raises(openai.InternalServerError, lambda: create("once-gpt-4o@status-503"))


def check_the_client_tries_again_where_the_gateway_was_told_not_to():
    flaky = "once-gpt-4o@status-429@retry-after-ms-1@times-1"
    assert create(flaky, openai.OpenAI()).choices
    return {"calls": {flaky: 2}}


def check_a_wish_that_nobody_tries_again_reaches_the_client():
    final = "once-gpt-4o@status-500@no-retry"
    raises(openai.InternalServerError, lambda: create(final, openai.OpenAI()))
    return {"calls": {final: 1}}


def check_a_stream_that_is_left_ends_the_vendors_call():
    stalled = "gpt-4o@stall-after-5"
    stream = create(stalled, stream=True)
    next(iter(stream))
    stream.close()
    return {"aborted": stalled}


def check_the_clients_own_deadline_ends_the_vendors_call():
    silent = "gpt-4o@silent"
    raises(openai.APITimeoutError, lambda: create(silent, openai.OpenAI(timeout=0.2, max_retries=0)))
    return {"aborted": silent}


def check_a_stream_that_is_cut_is_an_error_after_the_text_that_came():
    text = []

    def read():
        for chunk in create("gpt-4o@reset-after-4", stream=True):
            text.append(chunk.choices[0].delta.content or "")

    raises(openai.APIError, read)
    assert "".join(text) == "This is gpt-4o,"


run(globals())
