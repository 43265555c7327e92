"""Requests as records may hold them, without the values of their secrets."""

from __future__ import annotations

from engine.task.redaction import Redactor, secrets_of_urls
from engine.task.wire import TaskRequest


def redactor_of(request: TaskRequest) -> Redactor:
    """Return what hides a request's secrets: its secret parameters, and the passwords in its URLs."""
    in_urls = secrets_of_urls(request.task, request.http_login, request.parameters)
    return Redactor({**request.parameters, **in_urls}, request.secrets)


def kept_request(request: TaskRequest, redactor: Redactor) -> TaskRequest:
    """Return the request as the records may hold it, without secret values."""
    return request.model_copy(
        update={
            "task": redactor.text(request.task),
            "start_url": redactor.text(request.start_url) if request.start_url is not None else None,
            "parameters": redactor.parameters(request.parameters),
            "output_schema": redactor.data(request.output_schema),
        }
    )
