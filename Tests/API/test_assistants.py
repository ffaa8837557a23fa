"""The Model Context Protocol, spoken by the client of its public SDK, over standard input and output and over HTTP."""

import asyncio
import base64
import json
import os
import subprocess

import pytest
from mcp import MCPError
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters

from server import BINARY, check_problem

TOOLS = {"search", "similar", "match", "caption", "picture"}


@pytest.fixture(params=["stdio", "http"])
def talk(request, server):
    """Runs a function with a client that is connected in one way or the other."""
    if request.param == "http":
        target = server.url + "/mcp"
    else:
        target = StdioServerParameters(
            command=BINARY, args=["mcp", "--index", os.environ["BLIP_INDEX"]], env=dict(os.environ))

    def talk(function):
        async def run():
            async with Client(target, read_timeout_seconds=300) as client:
                return await function(client)

        return asyncio.run(run())

    return talk


def test_initialization_and_tools(talk):
    """It says who it is, and offers its tools with schemas of what they take."""

    async def check(client):
        assert client.server_info.name == "blip" and client.server_info.version
        assert client.server_capabilities.tools is not None
        assert client.instructions
        tools = (await client.list_tools()).tools
        assert {tool.name for tool in tools} == TOOLS
        for tool in tools:
            assert tool.description and tool.annotations.read_only_hint
            assert tool.input_schema["type"] == "object" and tool.input_schema["required"]

    talk(check)


def test_each_tool(talk):
    """Each tool is called with what a search found; what it returns as text is what it returns as a value."""

    async def call(client, name, **arguments):
        result = await client.call_tool(name, arguments)
        assert not result.is_error, result.content
        if name != "picture":
            assert json.loads(result.content[0].text) == result.structured_content
        return result

    async def check(client):
        found = (await call(client, "search", q="a picture", limit=3)).structured_content["results"]
        if not found:
            pytest.skip("The index holds no pictures.")
        assert len(found) <= 3
        picture = found[0]["id"]
        similar = (await call(client, "similar", picture=picture, limit=2)).structured_content["results"]
        assert picture not in [hit["id"] for hit in similar]
        texts = (await call(client, "match", picture=picture, text=["a dog", "a car"])).structured_content["results"]
        assert {hit["text"] for hit in texts} == {"a dog", "a car"}
        contents = (await call(client, "picture", picture=picture)).content
        image, facts = contents
        assert image.type == "image" and image.mime_type == "image/webp"
        assert base64.b64decode(image.data)[8:12] == b"WEBP"
        assert json.loads(facts.text)["id"] == picture
        caption = await client.call_tool("caption", {"picture": picture})
        assert caption.is_error or caption.structured_content["caption"]

    talk(check)


def test_errors(talk):
    """Wrong arguments are answers that say what is wrong; a tool that is not there is an error of the protocol."""

    async def check(client):
        for name, arguments in [
            ("search", {}), ("search", {"q": "a", "limit": 0}), ("search", {"q": "a", "since": "tomorrow"}),
            ("search", {"q": "a", "unknown": 1}), ("search", {"q": {"a": 1}}), ("similar", {"picture": "one"}),
            ("picture", {"picture": 2**62}), ("match", {"picture": -1}), ("caption", {}),
        ]:
            result = await client.call_tool(name, arguments)
            assert result.is_error and result.content[0].text, (name, arguments)
        with pytest.raises(MCPError) as error:
            await client.call_tool("delete", {})
        assert error.value.error.code == -32602

    talk(check)


MESSAGES = [
    # A message, and the code of the error that answers it; None where there is no answer.
    (b"{", -32700), (b"[]", -32600), (b"1", -32600), (b'{"jsonrpc":"2.0","id":1}', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/fly"}', -32601), (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
    (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}', -32602),
    (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', None),
    (b'{"jsonrpc":"2.0","id":5,"result":{}}', None), (b"\xff\xfe", -32700), (b"[" * 100_000, -32700),
]


def test_wrong_messages_over_http(server):
    """What is no message is answered by an error of JSON-RPC; a notification by 202 without a body."""
    for message, code in MESSAGES:
        answer = server.request("POST", "/mcp", message, {"Content-Type": "application/json"})
        if code is None:
            assert (answer.status, answer.body) == (202, b""), message[:60]
        else:
            assert answer.json["error"]["code"] == code, message[:60]
    server.check_alive()


def test_wrong_messages_over_stdio():
    """The same on standard input, where each line is a message and each answer one line; then input ends, and it."""
    lines = [message for message, _ in MESSAGES] + [b'{"jsonrpc":"2.0","id":"last","method":"ping"}']
    done = subprocess.run(
        [BINARY, "mcp", "--index", os.environ["BLIP_INDEX"]], input=b"\n".join(lines) + b"\n", capture_output=True,
        timeout=120)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["error"]["code"] for answer in answers[:-1]] == [code for _, code in MESSAGES if code]
    assert answers[-1] == {"jsonrpc": "2.0", "id": "last", "result": {}}


def test_methods_and_size(server):
    """There is no stream to GET and no session to DELETE, and a message has 1 MiB at most."""
    check_problem(server.get("/mcp"), 405)
    check_problem(server.request("DELETE", "/mcp"), 404, 405)
    check_problem(server.request("POST", "/mcp", b" " * (1 << 20) + b"{}"), 413)


def test_revisions(server):
    """A revision that it speaks is agreed to; to another one it offers its newest. Over HTTP a header that names one
    that it does not speak is a wrong request."""
    def initialize(revision):
        message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": revision}}
        return server.request("POST", "/mcp", json.dumps(message)).json["result"]["protocolVersion"]

    for revision in ("2025-06-18", "2025-03-26", "2024-11-05"):
        assert initialize(revision) == revision
    assert initialize("1999-01-01") == "2025-06-18"
    ping = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    assert server.request("POST", "/mcp", ping, {"MCP-Protocol-Version": "2025-06-18"}).status == 200
    assert server.request("POST", "/mcp", ping, {"MCP-Protocol-Version": "1999-01-01"}).status == 400


def test_other_sites_are_refused(server):
    """The protocol asks servers to check Origin: a web page must not call tools on this machine."""
    message = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    check_problem(server.request("POST", "/mcp", message, {"Origin": "http://example.com"}), 403)
