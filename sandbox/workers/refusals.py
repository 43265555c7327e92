"""The refusal of a request of a worker."""


class Refusal(Exception):
    """An answer to a worker's request that its code gets as an error; ``kind`` names it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
