"""LangChain's chat models and embeddings, with both vendors behind one base URL."""

import anthropic
import openai
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from checks import QUESTION, UNKNOWN_KEY, raises, run

ANTHROPIC = "claude-sonnet-5-5"
OPENAI = "gpt-4o"


class Person(BaseModel):
    """Somebody."""

    name: str
    age: int


@tool
def weather(city: str) -> str:
    """Tells the weather."""
    return f"Fine in {city}"


def chats():
    return ChatOpenAI(model=OPENAI), ChatAnthropic(model=ANTHROPIC)


def check_both_answer_with_usage():
    for chat in chats():
        answer = chat.invoke(QUESTION)
        assert QUESTION in answer.text
        assert answer.usage_metadata["output_tokens"] > 10


def check_both_stream():
    for chat in chats():
        pieces = [chunk.text for chunk in chat.stream(QUESTION)]
        assert QUESTION in "".join(pieces)
        assert len(pieces) > 10


def check_both_call_a_tool_and_take_its_result():
    question = [HumanMessage("What does weather say?")]
    for chat in chats():
        bound = chat.bind_tools([weather])
        message = bound.invoke(question)
        call = message.tool_calls[0]
        assert (call["name"], set(call["args"])) == ("weather", {"city"})
        result = ToolMessage(tool_call_id=call["id"], content=weather.invoke(call["args"]))
        assert "simulated" in bound.invoke([*question, message, result]).text


def check_both_give_structured_output():
    for chat in chats():
        assert isinstance(chat.with_structured_output(Person).invoke("Who?"), Person)


def check_embeddings():
    embeddings = OpenAIEmbeddings(model="text-embedding-3-small", dimensions=32, check_embedding_ctx_length=False)
    one, two = embeddings.embed_documents(["a river", "two gates"])
    assert one == embeddings.embed_query("a river")
    assert len(two) == 32


def check_an_unknown_key_is_the_vendors_own_authentication_error():
    raises(openai.AuthenticationError, lambda: ChatOpenAI(model=OPENAI, api_key=UNKNOWN_KEY).invoke("Hello"))
    raises(anthropic.AuthenticationError, lambda: ChatAnthropic(model=ANTHROPIC, api_key=UNKNOWN_KEY).invoke("Hello"))


def check_the_clients_try_again_by_themselves():
    knobs = "@status-503@retry-after-ms-1@times-1"
    for model, kind in ((f"once-{OPENAI}{knobs}", ChatOpenAI), (f"once-{ANTHROPIC}{knobs}", ChatAnthropic)):
        assert "simulated" in kind(model=model).invoke(QUESTION).text
    return {"calls": {f"once-{OPENAI}{knobs}": 2, f"once-{ANTHROPIC}{knobs}": 2}}


run(globals())
