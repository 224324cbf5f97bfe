"""The one error a reader of the study ever needs to act on."""


class StudyError(Exception):
    """A problem told in one line: what is wrong, where, and what to do.

    Args:
        what: What is wrong, e.g. ``"rating 7 is outside 1-5"``.
        where: The file and, where there is one, the row or the key.
        remedy: What the reader can do about it.
    """

    def __init__(self, what: str, *, where: object, remedy: str):
        self.what, self.where, self.remedy = what, str(where), remedy
        super().__init__(f"{where}: {what}. {remedy}")

    def __reduce__(self):
        return _rebuild, (self.what, self.where, self.remedy)


def _rebuild(what: str, where: str, remedy: str) -> StudyError:
    return StudyError(what, where=where, remedy=remedy)
