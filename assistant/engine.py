"""The assistant as a LlamaIndex query engine, for other LlamaIndex programs."""

from __future__ import annotations

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import RESPONSE_TYPE, Response
from llama_index.core.prompts.mixin import PromptMixinType
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from assistant.answer import Assistant
from assistant.schema import Answer, Question


class ReleaseQueryEngine(BaseQueryEngine):
    """`query` gives a Response whose source nodes are the verified citations, and whose metadata is the answer object.

    >>> ReleaseQueryEngine(assistant).query("How many prisoners were released?")  # doctest: +SKIP
    """

    def __init__(self, assistant: Assistant) -> None:
        self.assistant = assistant
        super().__init__(callback_manager=None)

    def _query(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        return to_response(self.assistant.ask(Question(query_bundle.query_str)))

    async def _aquery(self, query_bundle: QueryBundle) -> RESPONSE_TYPE:
        import asyncio

        return await asyncio.to_thread(self._query, query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}


def to_response(answer: Answer) -> Response:
    """An answer as LlamaIndex hands it on: its text, one node a citation, the answer object as metadata."""
    nodes = [
        NodeWithScore(
            node=TextNode(
                id_=f"{c.document}:{c.start}-{c.end}",
                text=c.quote,
                start_char_idx=c.start,
                end_char_idx=c.end,
                metadata={"document": c.document, "n": c.n, "kind": c.kind},
            ),
            score=answer.confidence,
        )
        for c in answer.citations
    ]
    return Response(response=answer.answer, source_nodes=nodes, metadata=answer.to_dict())
