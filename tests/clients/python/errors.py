"""What the service says where it does not do what was asked."""

from pydantic import BaseModel, Field

from autrement import ErrorCode, GraphQLClientGraphQLMultiError


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
    """Of the first error."""
    return Details.model_validate(error.errors[0].extensions)
