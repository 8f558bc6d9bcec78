"""What does a notebook of the book say to its reader's answers, to an exercise and to a question?

The notebooks that the book is read in import this; a chapter itself does not.
"""

from ntklib.book.practice.answering import check_answer
from ntklib.book.practice.selfcheck import self_check

__all__ = ["check_answer", "self_check"]
