"""Runs the checks of one script and prints a line of JSON for each.

A check is a function whose name starts with `check_`. It raises when the library did not do what it should. It may return what
the vendor must have seen of it: `{"calls": {text: count}}` with texts of request bodies, `{"aborted": text}`.
"""

import json
import os
import traceback

BASE_URL = os.environ["OPENAI_BASE_URL"]
RESTRICTED_KEY = os.environ["SLUICE_TEST_RESTRICTED_KEY"]
UNKNOWN_KEY = "sk-sluice-nobody-has-this-key"

# Each base URL has its own question, so that no two runs send the same body.
QUESTION = f"Hello, 東京, from {BASE_URL}"


def words_in(text):
    """The simulator writes a word a token."""
    assert "\ufffd" not in text, f"a character was torn apart: {text}"
    return len(text.split())


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was to be raised")


def run(checks):
    for name, check in list(checks.items()):
        if not name.startswith("check_"):
            continue
        try:
            print(json.dumps({"check": name, "ok": True, **(check() or {})}), flush=True)
        except Exception:
            print(json.dumps({"check": name, "ok": False, "error": traceback.format_exc()}), flush=True)
