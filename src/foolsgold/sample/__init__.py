"""Samplers, one file each, and the stage that chooses negatives."""

from foolsgold.sample.choose import Chooser, Tally
from foolsgold.sample.negatives import NEGATIVES_SCHEMA, RANDOM, Chosen
from foolsgold.sample.sampler import Sampler
from foolsgold.sample.simans import SimANS
from foolsgold.sample.softmax import Softmax
from foolsgold.sample.top import Top
from foolsgold.sample.uniform import Uniform

__all__ = ["NEGATIVES_SCHEMA", "RANDOM", "Chooser", "Chosen", "Sampler", "SimANS", "Softmax", "Tally", "Top", "Uniform"]
