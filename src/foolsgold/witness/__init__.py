"""Witnesses: what speaks for a candidate being relevant, before anyone judged it."""

from foolsgold.witness.features import WITNESSES, Testimony
from foolsgold.witness.witnesses import Witnesses

__all__ = ["WITNESSES", "Testimony", "Witnesses"]
