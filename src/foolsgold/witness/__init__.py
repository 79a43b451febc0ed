"""Witnesses: what speaks for a candidate being relevant, before anyone judged it."""

from foolsgold.witness.containment import Containment, FoldedTexts
from foolsgold.witness.features import WITNESSES, Testimony
from foolsgold.witness.hubs import Hubs, HubSample
from foolsgold.witness.witnesses import Background, Witnesses

__all__ = ["WITNESSES", "Background", "Containment", "FoldedTexts", "HubSample", "Hubs", "Testimony", "Witnesses"]
