# SPDX-License-Identifier: MPL-2.0
"""One fault of tests/system/faults.py: what is broken, how, and what the page promises."""
from dataclasses import dataclass
from typing import Callable


@dataclass
class Fault:
    """promise is quoted from docs/troubleshooting.md; says is one more quotation, where one
    promise stands for several reasons. part_of: faults that have this one in them."""
    title: str
    how: str
    promise: str
    make: Callable
    who: str = "check"
    subject: str = "alice"
    says: str = ""
    part_of: tuple = ()


class Faults(list):
    """The faults of one file."""

    def fault(self, title, how, promise, **kw):
        """Puts a function that makes one into the list."""
        def add(make):
            self.append(Fault(title, how, promise, make, **kw))
            return make
        return add

    def line(self, title, how, promise, file, old, new, **kw):
        """One that is a line of a file."""
        self.append(Fault(title, how, promise, lambda t: t.edit(file, old, new), **kw))
