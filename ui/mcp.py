"""The assistant as an MCP tool, `ask_release`, over standard input and output (Model Context Protocol)."""

from __future__ import annotations

from typing import Any

from assistant.answer import Assistant
from assistant.errors import ReleaseAssistantError, SettingsError
from ui.wire import QuestionObject


def build_tool_server(assistant: Assistant) -> Any:
    """An MCP server with the one tool.  Raises SettingsError where the library `mcp` is not installed."""
    try:
        from mcp.server import MCPServer
    except ImportError:
        raise SettingsError('the library mcp is not installed: run `pip install "release-assistant[mcp]"`') from None
    server = MCPServer("release-assistant")

    @server.tool()
    def ask_release(question: str, history: list[str] | None = None, document: str | None = None) -> dict[str, Any]:
        """Answer a question from the ingested press releases, each quotation verified at its exact place, or say that they do not say.

        `history` holds the user's earlier questions, oldest first; `document` restricts the question to one document.
        Status "abstained" means that the releases do not say: do not fill the gap.
        """
        asked = QuestionObject(question=question, history=list(history or ()), document=document)
        try:
            return assistant.ask(asked.to_question()).to_dict()
        except ReleaseAssistantError as error:
            return {"question": question, "status": "error", "error": str(error)}

    return server


def serve(assistant: Assistant) -> int:
    """Serve until the client goes; 0 then."""
    build_tool_server(assistant).run(transport="stdio")
    return 0
