"""The one kind of error that the command line answers with a line and exit status 2."""


class WrongInput(ValueError):
    """Something the user gave cannot be used: the message says what, what was expected and what to type next."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))
