"""The kinds of error that the command line answers with a line: exit status 2 where the command is wrong, else 1."""


class WrongInput(ValueError):
    """Something the user gave cannot be used: the message says what, what was expected and what to type next."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class NotWritten(Exception):
    """A place cannot be written to; the message names it, the reason and what to do."""
