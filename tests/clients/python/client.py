"""Sends generated operations: `autrement.Client` with the tokens of a session, and errors that code can read."""

from typing import Any

from pydantic import BaseModel, Field

import autrement
from autrement import ErrorCode, GraphQLClientGraphQLMultiError
from autrement.base_client import Response


class Problem(BaseModel):
    """What is wrong with an input, and where: `pointer` is a JSON Pointer into it."""

    pointer: str
    message: str


class Details(BaseModel):
    """`extensions` of an error."""

    code: ErrorCode
    problems: list[Problem] = []
    retry_after: int | None = Field(default=None, alias="retryAfter")


def details(error: GraphQLClientGraphQLMultiError) -> Details:
    """Of the first error: what the service says where it does not do what was asked."""
    return Details.model_validate(error.errors[0].extensions)


class Client(autrement.Client):
    """Where the access token is not good any more it gets a new one, and sends once more."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.access_token: str | None = None
        self.refresh_token: str | None = None

    def execute(
        self, query: str, operation_name: str | None = None, variables: dict[str, Any] | None = None, **kwargs: Any
    ) -> Response:
        response = self._execute(query, operation_name, variables, **kwargs)
        if self.refresh_token and self._is_unauthenticated(response):
            tokens = Client(self.url).refresh_session(self.refresh_token).refresh_session
            self.access_token, self.refresh_token = tokens.access_token, tokens.refresh_token
            response = self._execute(query, operation_name, variables, **kwargs)
        return response

    def _execute(
        self, query: str, operation_name: str | None, variables: dict[str, Any] | None, **kwargs: Any
    ) -> Response:
        # The second header is for files: a page elsewhere could not send it.
        headers = {"Accept": "application/json", "GraphQL-Require-Preflight": "1"}
        if self.access_token:
            headers["Authorization"] = f"Bearer {self.access_token}"
        # Seconds; five otherwise, too few for a file on its way.
        return super().execute(query, operation_name, variables, headers=headers, timeout=60, **kwargs)

    def _is_unauthenticated(self, response: Response) -> bool:
        try:
            self.get_data(response)
        except GraphQLClientGraphQLMultiError as error:
            return details(error).code is ErrorCode.UNAUTHENTICATED
        return False
